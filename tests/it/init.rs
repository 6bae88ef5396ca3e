//! `zappa init`
