//! Amounts as Kubernetes writes them: `2`, `500m`, `1.5`, `4Gi`.

use std::fmt;
use std::str::FromStr;

/// Suffixes of quantities
/// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity).
const SUFFIXES: &[&str] = &["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// An amount of something, more than none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    number: String,
    suffix: &'static str,
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no amount; write e.g. 2, 500m or 4Gi");
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        let suffix = SUFFIXES.iter().find(|&&suffix| suffix == rest).ok_or_else(wrong)?;
        let value: f64 = number.parse().map_err(|_| wrong())?;
        if value <= 0.0 || number.starts_with('.') || number.ends_with('.') {
            return Err(wrong());
        }
        Ok(Self { number: number.to_owned(), suffix })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.suffix)
    }
}

impl Quantity {
    fn doubled(&self) -> Self {
        let doubled = self.number.parse::<f64>().unwrap_or_default() * 2.0;
        Self { number: doubled.to_string(), suffix: self.suffix }
    }
}

/// How much of something a worker asks for, and how much it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub request: Quantity,
    pub limit: Quantity,
}

/// `REQUEST`, with a limit of twice that, or `REQUEST:LIMIT`.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((request, limit)) => Ok(Self { request: request.parse()?, limit: limit.parse()? }),
            None => {
                let request: Quantity = text.parse()?;
                Ok(Self { limit: request.doubled(), request })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2", "2", "4")]
    #[case("500m", "500m", "1000m")]
    #[case("1.5", "1.5", "3")]
    #[case("4Gi", "4Gi", "8Gi")]
    #[case("2:3", "2", "3")]
    #[case("512Mi:4Gi", "512Mi", "4Gi")]
    fn a_limit_is_twice_the_request_unless_it_is_said(#[case] text: &str, #[case] request: &str, #[case] limit: &str) {
        let share: Share = text.parse().unwrap();
        assert_eq!((share.request.to_string().as_str(), share.limit.to_string().as_str()), (request, limit));
    }

    proptest! {
        #[test]
        fn an_amount_is_written_as_it_was_and_its_limit_is_twice_as_much(
            whole in 1_u32..1_000_000, suffix in prop::sample::select(SUFFIXES)
        ) {
            let text = format!("{whole}{suffix}");
            let share: Share = text.parse().unwrap();
            prop_assert_eq!((share.request.to_string(), share.limit.to_string()), (text, format!("{}{suffix}", 2 * u64::from(whole))));
        }

        #[test]
        fn any_text_is_an_amount_that_kubernetes_reads_or_refused(text in "([0-9.]{0,5}(m|k|Ki|Gi|E|e|x)?:?){0,2}|\\PC{0,8}") {
            if let Ok(amount) = text.parse::<Quantity>() {
                prop_assert_eq!(amount.to_string(), text.clone());
                prop_assert!(text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(".."), "{}", text);
            }
            if let Ok(share) = text.parse::<Share>() {
                prop_assert!(share.limit.to_string().parse::<Quantity>().is_ok(), "{share:?}");
            }
        }
    }

    #[rstest]
    #[case("")]
    #[case("0")]
    #[case("-1")]
    #[case("2 Gi")]
    #[case("4gb")]
    #[case("1.2.3")]
    #[case(".")]
    #[case("2:")]
    #[case("1e3x")]
    fn what_is_no_amount_is_refused(#[case] text: &str) {
        assert!(text.parse::<Share>().is_err(), "{text:?}");
    }
}
