//! As much of Kubernetes' protobuf as kubectl insists on: the questions about oneself.

/// The fields of a message: their number, and their bytes. Numbers (varints) have none here: nothing that is read has any.
pub struct Message<'a>(Vec<(u64, &'a [u8])>);

impl<'a> Message<'a> {
    /// The object inside the envelope that begins with `k8s` and a zero.
    pub fn unwrap(body: &'a [u8]) -> Option<Self> {
        let envelope = Self::parse(body.strip_prefix(b"k8s\0")?)?;
        Self::parse(envelope.bytes(2))
    }

    fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            match tag & 7 {
                0 => drop(varint(&mut bytes)?),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let (value, rest) = bytes.split_at_checked(length)?;
                    fields.push((tag >> 3, value));
                    bytes = rest;
                }
                _ => return None,
            }
        }
        Some(Self(fields))
    }

    fn bytes(&self, number: u64) -> &'a [u8] {
        self.0.iter().find(|(there, _)| *there == number).map_or(&[], |(_, value)| value)
    }

    /// The message in a field; `None` when the field is not there.
    pub fn message(&self, number: u64) -> Option<Self> {
        let (_, bytes) = self.0.iter().find(|(there, _)| *there == number)?;
        Self::parse(bytes)
    }

    /// The text in a field, empty when it is not there.
    pub fn text(&self, number: u64) -> String {
        String::from_utf8_lossy(self.bytes(number)).into_owned()
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_as_kubectl_sends_it() {
        let body =
            b"k8s\0\n2\n\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview\x12?\n\x10\n\0\x12\0\x1a\0\"\0*\x002\08\0B\0\
            \x12!\n\x1f\n\x07default\x12\x03get\x1a\0\"\0*\x04pods2\x03log:\0\x1a\x08\x08\0\x12\0\x1a\0 \0\x1a\0\"\0";
        let question = Message::unwrap(body).unwrap().message(2).unwrap().message(1).unwrap();
        assert_eq!([1, 2, 5, 6, 7].map(|number| question.text(number)), ["default", "get", "pods", "log", ""]);
    }

    #[test]
    fn what_is_cut_is_nothing() {
        assert!(Message::unwrap(b"k8s\0\n2\n").is_none());
        assert!(Message::unwrap(b"{}").is_none());
    }
}
