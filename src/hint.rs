//! Next steps as data: an error knows what the user can do about it, `ui` decides how that looks.

/// Implemented by every module's error enum.
pub trait Hint {
    /// What to do next, one sentence each, lower case, without a full stop. Empty where nothing useful can be said.
    fn hints(&self) -> Vec<String>;

    /// Whether the fault lies in what was asked (exit status 2, nothing was attempted) rather than in what happened (exit status 1).
    fn is_input(&self) -> bool;
}
