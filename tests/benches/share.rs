//! A part of a core, by Linux control groups of either version.

use std::{fs, io, path::PathBuf, process};

/// The time in which a share is counted. Lambda hands out CPU time in slices of about this length.
const PERIOD_US: f64 = 20_000.0;

/// A control group, removed when dropped.
#[derive(Debug)]
pub struct Share(PathBuf);

impl Share {
    /// # Errors
    /// Where control groups can't be made: mostly, for want of permission.
    pub fn new(part: f64) -> io::Result<Self> {
        let name = format!("customers-categories-{}", process::id());
        let (period, quota) = (PERIOD_US as u64, (PERIOD_US * part) as u64);
        let first = PathBuf::from("/sys/fs/cgroup/cpu");
        if first.is_dir() {
            let share = Self(first.join(name));
            fs::create_dir_all(&share.0)?;
            fs::write(share.0.join("cpu.cfs_period_us"), period.to_string())?;
            fs::write(share.0.join("cpu.cfs_quota_us"), quota.to_string())?;
            return Ok(share);
        }
        let second = PathBuf::from("/sys/fs/cgroup");
        fs::write(second.join("cgroup.subtree_control"), "+cpu")?;
        let share = Self(second.join(name));
        fs::create_dir_all(&share.0)?;
        fs::write(share.0.join("cpu.max"), format!("{quota} {period}"))?;
        Ok(share)
    }

    /// Lets a process, all its threads, have no more than the share.
    pub fn limit(&self, process: u32) {
        fs::write(self.0.join("cgroup.procs"), process.to_string()).expect("a process joins its group");
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}
