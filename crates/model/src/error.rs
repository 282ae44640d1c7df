//! What reading or running a model fails with.

/// Why a model was not read, or a row not predicted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file is not what its format says.
    #[error("{format} model: {place}: {problem}")]
    Malformed {
        /// Name of the format.
        format: &'static str,
        /// Where in the file: a member, a tree and node, an operator.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The model asks for something that this engine does not compute exactly, and so does not compute.
    #[error("{format} model: {what} is not supported")]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// What it is: an objective, an operator with its attribute, a kind of split.
        what: String,
    },
    /// The model is larger than this engine takes.
    #[error("{what}: {found}, at most {most} are taken")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: u64,
        /// How much is taken.
        most: u64,
    },
    /// A value of a row does not fit the input it is for.
    #[error("input {input:?}: {problem}")]
    Input {
        /// Name of the input.
        input: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Attributions do not come out as they must, and so are not given.
    #[error("attributions: {problem}")]
    Attribution {
        /// What does not hold, with its figures.
        problem: String,
    },
}
