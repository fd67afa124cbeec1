//! The pages of applications: My Applications, Application Overview, editing and deleting, sharing, transfer, usage, activity.

pub mod activity;
mod activity_words;
pub mod deletion;
pub mod departure;
pub mod details;
pub mod frame;
pub mod list;
pub mod of_person;
pub mod overview;
pub mod refusals;
pub mod sharing;
pub mod transfer;
pub mod usage;
mod usage_file;
