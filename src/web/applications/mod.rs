//! The pages of applications: My Applications, Application Overview, editing and deleting, sharing, usage, activity.

pub mod activity;
mod activity_words;
pub mod deletion;
pub mod departure;
pub mod details;
pub mod frame;
pub mod list;
pub mod overview;
pub mod refusals;
pub mod sharing;
pub mod usage;
mod usage_file;
