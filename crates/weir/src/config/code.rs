//! The kinds of mistake, each with a code that stays the same for ever.
//!
//! Scripts and search engines hold on to the codes, so a code is never given another meaning.

/// A kind of mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// W001
    Unreadable,
    /// W002
    Syntax,
    /// W003
    UnknownKey,
    /// W004
    WrongType,
    /// W005
    Missing,
    /// W006
    OutOfBounds,
    /// W007
    Duplicate,
    /// W101
    NoEndpoint,
    /// W102
    BaseUrl,
    /// W103
    ForbiddenAddress,
    /// W104
    SecretReference,
    /// W105
    SecretAbsent,
    /// W106
    CallerKey,
    /// W107
    CaFile,
    /// W201
    NoPool,
    /// W202
    UnknownEndpoint,
    /// W203
    UnknownModel,
    /// W204
    DegradesNowhere,
    /// W205
    DegradesInCircle,
    /// W206
    UnknownPool,
    /// W301
    KeyHash,
    /// W401
    Address,
    /// W402
    SameAddress,
    /// W403
    OpenListener,
    /// W501
    Thresholds,
    /// W601
    RedisUrl,
    /// W901
    NeverFires,
    /// W902
    NowhereToFailOver,
    /// W903
    UnusedEndpoint,
}

impl Code {
    /// Every code, in order.
    pub const ALL: [Self; 29] = [
        Self::Unreadable,
        Self::Syntax,
        Self::UnknownKey,
        Self::WrongType,
        Self::Missing,
        Self::OutOfBounds,
        Self::Duplicate,
        Self::NoEndpoint,
        Self::BaseUrl,
        Self::ForbiddenAddress,
        Self::SecretReference,
        Self::SecretAbsent,
        Self::CallerKey,
        Self::CaFile,
        Self::NoPool,
        Self::UnknownEndpoint,
        Self::UnknownModel,
        Self::DegradesNowhere,
        Self::DegradesInCircle,
        Self::UnknownPool,
        Self::KeyHash,
        Self::Address,
        Self::SameAddress,
        Self::OpenListener,
        Self::Thresholds,
        Self::RedisUrl,
        Self::NeverFires,
        Self::NowhereToFailOver,
        Self::UnusedEndpoint,
    ];

    /// The code, and what it stands for in half a sentence.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("W001", "the file cannot be read, or is not UTF-8"),
            Self::Syntax => ("W002", "not TOML"),
            Self::UnknownKey => ("W003", "a key that no table has"),
            Self::WrongType => ("W004", "a value of the wrong type, or none of the words allowed"),
            Self::Missing => ("W005", "a key that must be there is not"),
            Self::OutOfBounds => ("W006", "a number or a list outside its bounds"),
            Self::Duplicate => ("W007", "a name that is used twice"),
            Self::NoEndpoint => ("W101", "no service to send requests to"),
            Self::BaseUrl => ("W102", "a base URL that cannot be one"),
            Self::ForbiddenAddress => {
                ("W103", "an address at which no service lives, but a machine's own secrets may")
            }
            Self::SecretReference => ("W104", "a secret that is not named by reference"),
            Self::SecretAbsent => {
                ("W105", "a secret that is not where the reference says, or cannot be sent")
            }
            Self::CallerKey => ("W106", "callers' keys are passed on, but they are this gateway's own"),
            Self::CaFile => ("W107", "a file of certificate authorities that cannot be read"),
            Self::NoPool => ("W201", "no model that callers could ask for"),
            Self::UnknownEndpoint => ("W202", "a pool names an endpoint that does not exist"),
            Self::UnknownModel => ("W203", "a pool asks an endpoint for a model that it does not list"),
            Self::DegradesNowhere => ("W204", "a pool's `degrade_to` is not the model of another pool"),
            Self::DegradesInCircle => ("W205", "pools that stand in for each other in a circle"),
            Self::UnknownPool => ("W206", "a model that is wanted for the house's own calls is no pool's"),
            Self::KeyHash => ("W301", "a hash that `weir key new` did not print"),
            Self::Address => ("W401", "not an address to listen on"),
            Self::SameAddress => ("W402", "both listeners want the same address"),
            Self::OpenListener => ("W403", "other machines could call, and no key is asked for"),
            Self::Thresholds => ("W501", "thresholds of pressure that do not rise"),
            Self::RedisUrl => ("W601", "not the address of a Redis"),
            Self::NeverFires => ("W901", "warning: a limit that another one always reaches first"),
            Self::NowhereToFailOver => ("W902", "warning: one endpoint, and nowhere to go when it fails"),
            Self::UnusedEndpoint => ("W903", "warning: an endpoint that no pool uses"),
        }
    }

    /// `W` and three digits.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// What it stands for.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    /// Whether the config may be used all the same.
    pub fn is_warning(self) -> bool {
        self >= Self::NeverFires
    }
}
