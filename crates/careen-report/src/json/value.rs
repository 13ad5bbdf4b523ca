//! Plain values as JSON, in document order, unknown ones with their reason beside them.

use std::path::Path;
use std::time::Duration;

use careen_model::{Fact, legacy::Value};
use serde::{Serialize, Serializer, ser::SerializeMap};

pub(super) struct Shown<'a>(pub(super) &'a Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null { .. } => to.serialize_none(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Number(value) => to.serialize_f64(*value),
            Value::Count(value) => to.serialize_u64(*value),
            Value::Text(value) => to.serialize_str(value),
            Value::List(values) => to.collect_seq(values.iter().map(Shown)),
            Value::Map(members) => {
                let mut map = to.serialize_map(None)?;
                for (name, value) in members {
                    map.serialize_entry(name, &Shown(value))?;
                    if let Value::Null { why } = value
                        && !why.is_empty()
                    {
                        map.serialize_entry(&format!("{name}_unknown"), why)?;
                    }
                }
                map.end()
            }
        }
    }
}

/// Nothing there, and that is known.
pub(super) fn none() -> Value {
    Value::Null { why: String::new() }
}

pub(super) fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

pub(super) fn path(path: &Path) -> Value {
    Value::Text(path.to_string_lossy().into_owned())
}

pub(super) fn option<T>(value: Option<T>, show: impl Fn(T) -> Value) -> Value {
    value.map_or_else(none, show)
}

pub(super) fn fact<'a, T>(fact: &'a Fact<T>, show: impl Fn(&'a T) -> Value) -> Value {
    match fact {
        Fact::Known(value) => show(value),
        Fact::Unknown(why) => Value::Null { why: why.to_string() },
    }
}

pub(super) fn list<'a, T>(values: &'a [T], show: impl Fn(&'a T) -> Value) -> Value {
    Value::List(values.iter().map(show).collect())
}

/// Seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    round(duration.as_secs_f64())
}

pub(super) fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
