//! Command templates: what is accepted is filled without a panic, and no value becomes two arguments.
#![no_main]

use fuzz::registry::preset::DISPATCH;
use fuzz::registry::template::Template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(template) = Template::parse(text, DISPATCH).map_err(|error| error.to_string()) else { return };
    let hostile = "a b' \" ; $(touch x) {issue} [x]";
    let all: Vec<_> = DISPATCH.iter().map(|&name| (name, hostile)).collect();
    let (full, bare) = (template.fill(&all), template.fill(&[]));
    assert!(!full.is_empty() && bare.len() <= full.len());
    let plain: Vec<_> = DISPATCH.iter().map(|&name| (name, "x")).collect();
    assert_eq!(template.fill(&plain).len(), full.len());
    assert_eq!(Template::parse(&template.to_string(), DISPATCH).as_ref(), Ok(&template));
    template.program();
});
