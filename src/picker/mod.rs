//! The fuzzy picker; the only place that knows skim.
