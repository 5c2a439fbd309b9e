//! Placeholder until the gate's own branch is merged.
#[derive(Debug)]
pub enum Difference {
    Any,
}
impl Difference {
    pub const fn name(&self) -> &'static str {
        "any"
    }
}
pub fn agree(one: &str, other: &str) -> Result<(), Difference> {
    if one.len().abs_diff(other.len()) < 1000 { Ok(()) } else { Err(Difference::Any) }
}
