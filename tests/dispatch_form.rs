//! The dispatch form, by its keys: an issue goes to the worker that was chosen, and what is wrong is said beside its field.

#[path = "support/forms.rs"]
mod forms;
mod support;

use forms::{dispatch_form, dispatched, with_queue};

#[test]
fn an_issue_is_dispatched_to_the_worker_of_the_window() {
    let world = with_queue();
    let screen = dispatch_form(&world, "b/s");
    screen.wait("< b >");
    screen.type_text("acme/shop");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.keys(&["Tab"]);
    screen.type_text("fix \"it\" $HOME `id` #{x};");
    screen.keys(&["Enter"]);
    screen.wait("dispatched acme/shop#42 to b: queued as 7");
    screen.wait_popup_gone();
    assert_eq!(dispatched(&world, "b"), "acme/shop\n42\n--intent\nfix \"it\" $HOME `id` #{x};\n");
}

#[test]
fn the_worker_can_be_chosen() {
    let world = with_queue();
    let screen = world.screen();
    screen.prefix("G");
    // A worker without a dispatch command is not offered.
    screen.wait("< a >");
    screen.keys(&["Right"]);
    screen.wait("< b >");
    screen.keys(&["Tab"]);
    screen.type_text("shop");
    screen.keys(&["Tab"]);
    screen.type_text("1");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "b"), "shop\n1\n");
}

#[test]
fn what_is_wrong_is_said_beside_the_field() {
    let world = with_queue();
    let screen = dispatch_form(&world, "a/s");
    screen.wait("< a >");
    screen.keys(&["Enter"]);
    screen.wait("the project is empty");
    screen.type_text("shop");
    screen.wait_gone("the project is empty");
    screen.keys(&["Tab"]);
    screen.type_text("x7");
    screen.keys(&["Enter"]);
    screen.wait("is no positive integer");
    screen.keys(&["C-u"]);
    screen.type_text("7");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "a"), "shop\n7\n");
}

#[test]
fn a_worker_without_a_dispatch_command_says_so() {
    let world = with_queue();
    let screen = dispatch_form(&world, "bare/s");
    screen.wait("worker bare has no dispatch command");
}
