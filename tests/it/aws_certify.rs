//! `zappa certify`: a domain that leads to a stage on AWS, with its certificate and its records.

mod broken;
mod certificates;
mod disturbed;
mod domain;
mod life;
mod refused;
mod several;
