//! The machine's cores: the last for the process that is measured, as a function has one for itself,
//! the others for what surrounds it. None of them sleeps meanwhile, because what a core takes to wake
//! up, far longer on a virtual machine, would count with each answer that the process waits for.

use std::{
    fs::{self, File},
    io::{self, Write},
    process::{Child, Command},
    sync::OnceLock,
    thread,
    time::Instant,
};

use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// What measured processes run on, once the cores are divided.
static OF_THE_PROCESS: OnceLock<CpuSet> = OnceLock::new();

/// Keeps the cores awake until dropped.
#[derive(Debug)]
pub struct Awake {
    cores: usize,
    file: Option<File>,
}

/// Divides the cores. Says what could not be had: a second core, or the permission to keep them
/// awake.
pub fn divide() -> Awake {
    let cores = thread::available_parallelism().map_or(1, Into::into);
    match give_away_the_last() {
        Ok(Some(last)) => drop(OF_THE_PROCESS.set(last)),
        Ok(None) => eprintln!("left out: a core for the measured process alone, for there is but one"),
        Err(error) => eprintln!("left out: a core for the measured process alone: {error}"),
    }
    let file = keep_awake();
    if let Err(error) = &file {
        eprintln!("left out: cores that don't sleep: {error}");
    }
    Awake { cores, file: file.ok() }
}

fn give_away_the_last() -> nix::Result<Option<CpuSet>> {
    let mut others = sched_getaffinity(Pid::from_raw(0))?;
    let ours: Vec<usize> = (0..CpuSet::count()).filter(|core| others.is_set(*core) == Ok(true)).collect();
    let [.., _, last] = ours[..] else { return Ok(None) };
    others.unset(last)?;
    let mut of_the_process = CpuSet::new();
    of_the_process.set(last)?;
    for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let id = thread.file_name().to_string_lossy().parse().unwrap();
        sched_setaffinity(Pid::from_raw(id), &others)?;
    }
    Ok(Some(of_the_process))
}

/// By the kernel's quality of service for latency: it holds while the file is open.
fn keep_awake() -> io::Result<File> {
    let mut file = File::options().write(true).open("/dev/cpu_dma_latency")?;
    file.write_all(&0_i32.to_ne_bytes())?;
    Ok(file)
}

impl Awake {
    /// What has been had, to be told with the figures.
    pub fn conditions(&self) -> String {
        let divided = match OF_THE_PROCESS.get() {
            Some(_) => "one of them the measured process's own",
            None => "shared by the measured process and what surrounds it",
        };
        let awake = if self.file.is_some() { ", kept from sleeping" } else { "" };
        format!("{} cores, {divided}{awake}", self.cores)
    }
}

/// Starts a process on the core that is meant for it; when, and which.
pub fn spawn(command: &mut Command) -> (Instant, Child) {
    // A process inherits the cores of the thread that starts it.
    let on_that_core = || {
        if let Some(core) = OF_THE_PROCESS.get() {
            sched_setaffinity(Pid::from_raw(0), core).unwrap();
        }
        (Instant::now(), command.spawn().unwrap())
    };
    thread::scope(|scope| scope.spawn(on_that_core).join().unwrap())
}
