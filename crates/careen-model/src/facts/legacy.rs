//! Facts under the documented names of the older tool that careen replaces, as plain values.
//!
//! Whoever writes them out decides the format; a fact we do not have is `Null` and says why.

/// A named group of facts: `environment`, `disk`, `cache`, `dockerignore`, `context`,
/// `recommendations`.
pub type Group = (&'static str, Value);

/// A value of any shape, in document order.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not known, and the reason.
    Null {
        why: String,
    },
    Bool(bool),
    /// A measured figure in the unit its name says, such as `_gb` (10⁹ bytes) or `_mb` (10⁶).
    Number(f64),
    Count(u64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(&'static str, Value)>),
}

impl Value {
    /// The member of that name, when this is a map that has one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(members) => {
                members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}
