//! Which pods there are, as far as has been told, and what another list or a line of a watch makes of that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Event;
use crate::cluster::pod::listing::PodObject;
use crate::registry::names::ObjectName;

/// A pod as the API tells of it.
pub struct Object {
    pub name: ObjectName,
    pub uid: String,
    pub version: String,
    /// `None` when the rest of it makes no sense: there is no such pod then.
    pod: Option<Box<PodObject>>,
}

/// What has been told of one.
struct Told {
    uid: String,
    version: String,
    /// Whether it makes sense.
    sound: bool,
}

/// What has been told of all.
#[derive(Default)]
pub struct Known(BTreeMap<ObjectName, Told>);

/// What every object has.
#[derive(Deserialize)]
pub struct Identity {
    pub metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub uid: String,
    pub resource_version: String,
}

impl Object {
    /// `None` when it has no name.
    pub fn of(text: &RawValue) -> Option<Self> {
        let Identity { metadata: Metadata { name, uid, resource_version } } = serde_json::from_str(text.get()).ok()?;
        let pod = serde_json::from_str(text.get()).ok();
        Some(Self { name: name.parse().ok()?, uid, version: resource_version, pod })
    }
}

impl Known {
    /// In which version each is, by their names.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, told)| (name.as_str(), told.version.as_str()))
    }

    /// There is this one.
    pub fn put(&mut self, object: Object, events: &mut VecDeque<Event>) {
        let Object { name, uid, version, pod } = object;
        let before = self.0.get(&name);
        if before.is_some_and(|before| before.uid == uid && before.version == version) {
            return;
        }
        let was_sound = before.is_some_and(|before| before.uid == uid && before.sound);
        if !was_sound || pod.is_none() {
            self.forget(&name, events);
        }
        let sound = pod.is_some();
        self.0.insert(name, Told { uid, version, sound });
        events.extend(pod.map(|pod| if was_sound { Event::Changed(pod) } else { Event::Appeared(pod) }));
    }

    /// This one is gone, unless another one has its name already.
    pub fn remove(&mut self, object: &Object, events: &mut VecDeque<Event>) {
        if self.0.get(&object.name).is_some_and(|told| told.uid == object.uid) {
            self.forget(&object.name, events);
        }
    }

    /// These are all that there are.
    pub fn replace(&mut self, objects: Vec<Object>, events: &mut VecDeque<Event>) {
        let there: BTreeSet<_> = objects.iter().map(|object| object.name.clone()).collect();
        let gone: Vec<_> = self.0.keys().filter(|name| !there.contains(name)).cloned().collect();
        gone.iter().for_each(|name| self.forget(name, events));
        objects.into_iter().for_each(|object| self.put(object, events));
    }

    fn forget(&mut self, name: &ObjectName, events: &mut VecDeque<Event>) {
        if let Some(Told { uid, sound: true, .. }) = self.0.remove(name) {
            events.push_back(Event::Gone { name: name.clone(), uid });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, uid: &str, version: &str) -> Object {
        let text = format!(r#"{{"metadata":{{"name":"{name}","uid":"{uid}","resourceVersion":"{version}"}}}}"#);
        Object::of(&RawValue::from_string(text).unwrap()).unwrap()
    }

    /// A pod that is none, as far as can be read.
    fn unsound(name: &str, version: &str) -> Object {
        let metadata = format!(r#"{{"name":"{name}","uid":"1","resourceVersion":"{version}"}}"#);
        let text = format!(r#"{{"metadata":{metadata},"status":{{"phase":7}}}}"#);
        Object::of(&RawValue::from_string(text).unwrap()).unwrap()
    }

    /// What is told, in a few letters.
    fn told(events: &mut VecDeque<Event>) -> Vec<String> {
        let one = |event| match event {
            Event::Appeared(pod) => format!("+{}", pod.metadata.name),
            Event::Changed(pod) => format!("~{}", pod.metadata.name),
            Event::Gone { name, uid } => format!("-{name} {uid}"),
            other => panic!("{other:?}"),
        };
        events.drain(..).map(one).collect()
    }

    #[test]
    fn each_change_is_told_once() {
        let (mut known, mut events) = (Known::default(), VecDeque::new());
        known.replace(vec![object("a", "1", "1"), object("b", "2", "2")], &mut events);
        assert_eq!(told(&mut events), ["+a", "+b"]);
        known.put(object("a", "1", "1"), &mut events);
        known.put(object("a", "1", "3"), &mut events);
        assert_eq!(told(&mut events), ["~a"]);
        known.replace(vec![object("a", "1", "3"), object("b", "4", "4"), object("c", "5", "5")], &mut events);
        assert_eq!(told(&mut events), ["-b 2", "+b", "+c"], "another pod of the same name is another pod");
        known.remove(&object("b", "2", "6"), &mut events);
        assert_eq!(told(&mut events), [""; 0], "that one was gone before");
        known.remove(&object("b", "4", "7"), &mut events);
        known.remove(&object("b", "4", "7"), &mut events);
        assert_eq!(told(&mut events), ["-b 4"]);
        known.replace(vec![], &mut events);
        assert_eq!(told(&mut events), ["-a 1", "-c 5"]);
        assert_eq!(known.versions().count(), 0);
    }

    #[test]
    fn a_pod_that_makes_no_sense_is_not_there_and_yet_known() {
        let (mut known, mut events) = (Known::default(), VecDeque::new());
        known.put(unsound("a", "1"), &mut events);
        assert_eq!((told(&mut events), known.versions().collect::<Vec<_>>()), (vec![], vec![("a", "1")]));
        known.put(object("a", "1", "2"), &mut events);
        known.put(unsound("a", "3"), &mut events);
        known.put(unsound("a", "4"), &mut events);
        assert_eq!(told(&mut events), ["+a", "-a 1"]);
        for nameless in ["{}", r#"{"metadata":{"name":"../x","uid":"1","resourceVersion":"1"}}"#, "[]", "1"] {
            assert!(Object::of(&RawValue::from_string(nameless.to_owned()).unwrap()).is_none(), "{nameless}");
        }
    }
}
