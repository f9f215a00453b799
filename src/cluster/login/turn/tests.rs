use super::*;

fn failed() -> Failure {
    Failure::new(Kind::Unauthorized, "the session is over")
}

const NEW: (u64, u64) = (0, 0);

#[test]
fn the_first_goes_alone_and_the_others_wait_for_it() {
    let now = Instant::now();
    let mut room = Room::default();
    assert_eq!(room.find(NEW, Want::Wait, now), Found::Lead);
    room.leading = true;
    for want in [Want::Wait, Want::Alone, Want::Follow, Want::Vouched] {
        assert_eq!(room.find(NEW, want, now), Found::Wait);
    }
    room.pass();
    for want in [Want::Wait, Want::Follow, Want::Vouched] {
        assert_eq!(room.find(NEW, want, now), Found::Go);
    }
    assert_eq!(room.find(NEW, Want::Alone, now), Found::Lead, "somebody is asked on this very terminal");
}

#[test]
fn who_comes_later_goes_along_only_while_those_are_under_way_that_were_let_in() {
    let mut room = Room::default();
    room.pass();
    let came = (room.passed, room.refused);
    let reached = room.reached.unwrap();
    assert_eq!(room.find(came, Want::Wait, reached), Found::Go);
    assert_eq!(room.find(came, Want::Wait, reached + TOGETHER), Found::Lead, "that was long ago");
    room.together = 0;
    assert_eq!(room.find(came, Want::Wait, reached), Found::Lead, "a token may have expired since");
}

#[test]
fn a_refusal_counts_for_all_who_waited_and_for_the_rest_of_many() {
    let now = Instant::now();
    let room = Room { refused: 1, refusal: Some((now, failed())), ..Room::default() };
    for want in [Want::Wait, Want::Alone, Want::Follow] {
        assert_eq!(room.find(NEW, want, now + STANDS), Found::Refused(failed()), "it has waited for this one");
    }
    assert_eq!(room.find((0, 1), Want::Wait, now), Found::Refused(failed()));
    assert_eq!(room.find((0, 1), Want::Wait, now + STANDS), Found::Lead);
    assert_eq!(room.find((0, 1), Want::Follow, now), Found::Lead, "a person has pressed a key");
    let trying = Room { leading: true, ..room };
    assert_eq!(trying.find((0, 1), Want::Wait, now), Found::Wait);
}

#[test]
fn threads_go_one_at_a_time_until_the_first_was_answered() {
    let user = "threads".to_owned();
    let first = Turn::take_beside(None, &user, Want::Wait, None).unwrap();
    let soon = || Some(Instant::now() + Duration::from_millis(50));
    let late = Turn::take_beside(None, &user, Want::Wait, soon()).unwrap_err();
    assert!(late.late && late.before_start, "{late:?}");
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let user = user.clone();
            thread::spawn(move || Turn::take_beside(None, &user, Want::Wait, None))
        })
        .collect();
    first.pass();
    let going: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect();
    drop((first, going));
    assert_eq!(rooms().lock()[&user].together, 0);
}

#[test]
fn who_gives_up_leaves_the_turn_to_the_next() {
    let user = "giving up".to_owned();
    let first = Turn::take_beside(None, &user, Want::Wait, None).unwrap();
    let next = {
        let user = user.clone();
        thread::spawn(move || Turn::take_beside(None, &user, Want::Wait, None).map(|_| ()))
    };
    drop(first);
    next.join().unwrap().unwrap();
}
