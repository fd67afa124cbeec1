//! The pages of applications: My Applications, Application Overview, editing and deleting.

pub mod deletion;
pub mod details;
pub mod frame;
pub mod list;
pub mod overview;
pub mod refusals;
