//! Who a request belongs to.

use std::sync::Arc;

/// Whom an answer belongs to, derived on the server: answers never cross it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope([u8; 32]);

impl Scope {
    /// The scope of those who come without any key (open mode).
    pub const OPEN: Self = Self([0; 32]);

    /// The scope that a hash of the caller's credential stands for.
    pub const fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The bytes every cache key begins with.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Scope {
    /// A few bits only: enough to tell two apart in a log, too few to be a credential.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scope({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A caller weir knows.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// The key's name in config, or `open`.
    pub name: Arc<str>,
    /// Whose answers these are.
    pub scope: Scope,
    /// With whom it may share answers, if the operator has them shared.
    pub team: Option<Arc<str>>,
}
