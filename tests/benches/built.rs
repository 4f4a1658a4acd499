//! Builds what is compared.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::{Compression, write::DeflateEncoder};

/// What `cargo lambda` builds for.
const TARGET_CPU: &str = if cfg!(target_arch = "aarch64") { "neoverse-n1" } else { "haswell" };

/// The functions, by their binaries' names.
pub const FUNCTIONS: [&str; 17] = [
    "change-categories",
    "count-carriers",
    "create-category",
    "define-category",
    "delete-category",
    "delete-definition",
    "get-category",
    "get-definition",
    "list-carriers",
    "list-categories",
    "list-category-history",
    "list-definition-history",
    "list-definitions",
    "not-found",
    "set-category",
    "update-category",
    "update-definition",
];

/// How a contestant's process is started, and what is shipped to have it run.
#[derive(Clone, Debug)]
pub struct Contestant {
    pub name: String,
    pub program: PathBuf,
    pub arguments: Vec<PathBuf>,
    pub package: PathBuf,
}

impl Contestant {
    pub fn native(name: &str, program: PathBuf) -> Self {
        Self { name: name.to_owned(), package: program.clone(), program, arguments: vec![] }
    }
}

#[derive(Debug)]
pub struct Built {
    pub functions: BTreeMap<&'static str, PathBuf>,
    pub local: PathBuf,
    pub query_alone: Contestant,
    /// Ours is the first.
    pub contestants: Vec<Contestant>,
    pub python_roots: Option<PathBuf>,
}

impl Built {
    /// One of this service's functions.
    pub fn function(&self, name: &str) -> Contestant {
        Contestant::native("this service", self.functions[name].clone())
    }
}

pub fn everything(also: &[(String, PathBuf)]) -> Built {
    let root = root();
    let target = target();
    step("building the functions");
    let mut release = vec![];
    for function in FUNCTIONS {
        // One at a time, as for a deployment: together, cargo would unite their features.
        cargo(&root, &target, &["--package", function]);
        release.push((function, target.join("release").join(function)));
    }
    let local = local();

    step("building the other contestants");
    let own = target.join("contestants");
    let sources = root.join("tests/benches/contestants");
    let rust = |name: &str| {
        cargo(&sources.join(name), &own, &["--locked"]);
        own.join("release").join(name)
    };
    let mut left_out = Vec::new();
    let mut contestants = vec![
        Contestant::native("this service", target.join("release/get-category")),
        Contestant::native("minimal bootstrap", rust("minimal")),
        Contestant::native("SDK defaults", rust("sdk-defaults")),
    ];
    match node(&sources.join("node"), &own.join("node")) {
        Ok(contestant) => contestants.push(contestant),
        Err(error) => left_out.push(format!("Node: {error}")),
    }
    let mut python_roots = None;
    match python(&sources.join("python"), &own.join("python")) {
        Ok((contestant, roots)) => {
            contestants.push(contestant);
            python_roots = Some(roots);
        }
        Err(error) => left_out.push(format!("Python: {error}")),
    }
    contestants.extend(also.iter().map(|(name, path)| Contestant::native(name, path.clone())));
    for reason in &left_out {
        eprintln!("left out: {reason}");
    }
    Built {
        functions: release.into_iter().collect(),
        local,
        query_alone: Contestant::native("query alone", rust("query-alone")),
        contestants,
        python_roots,
    }
}

/// One function alone.
pub fn function(name: &str) -> Contestant {
    step(&format!("building {name}"));
    let target = target();
    cargo(&root(), &target, &["--package", name]);
    Contestant::native("this service", target.join("release").join(name))
}

/// The local server alone.
pub fn local() -> PathBuf {
    step("building the local server");
    let target = target();
    cargo(&root(), &target, &["--package", "customers-categories"]);
    target.join("release/customers-categories")
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    fs::create_dir_all(&target).unwrap();
    target.canonicalize().unwrap()
}

fn step(what: &str) {
    eprintln!("{what} …");
}

fn cargo(directory: &Path, target: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--release", "--quiet"]).args(arguments).current_dir(directory);
    // Cargo describes to its children the package that they belong to.
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
        command.env_remove(name);
    }
    command.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", format!("-Ctarget-cpu={TARGET_CPU}"));
    let status = command.status().unwrap();
    assert!(status.success(), "cargo build {arguments:?} in {}", directory.display());
}

fn node(sources: &Path, own: &Path) -> Result<Contestant, String> {
    fs::create_dir_all(own).unwrap();
    for file in ["package.json", "package-lock.json", "index.mjs"] {
        fs::copy(sources.join(file), own.join(file)).unwrap();
    }
    let program = which("node")?;
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(own))?;
    let bundle = own.join("function.mjs");
    let banner =
        "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    run(Command::new("node_modules/.bin/esbuild")
        .args(["index.mjs", "--bundle", "--minify", "--platform=node", "--format=esm", "--log-level=error"])
        .arg(format!("--banner:js={banner}"))
        .arg(format!("--outfile={}", bundle.display()))
        .current_dir(own))?;
    Ok(Contestant {
        name: format!("Node {}", version("node")?),
        program,
        arguments: vec![bundle.clone()],
        package: bundle,
    })
}

fn python(sources: &Path, own: &Path) -> Result<(Contestant, PathBuf), String> {
    let program = own.join("bin/python");
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(own))?;
    }
    run(Command::new(&program)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(sources.join("requirements.txt")))?;
    let bundled = "import botocore, pathlib; print(pathlib.Path(botocore.__file__).parent / 'cacert.pem')";
    let roots = output(Command::new(&program).args(["-c", bundled]))?;
    let contestant = Contestant {
        name: format!("Python {}", version("python3")?),
        program,
        arguments: vec![sources.join("function.py")],
        package: sources.join("function.py"),
    };
    Ok((contestant, roots.into()))
}

fn which(program: &str) -> Result<PathBuf, String> {
    output(Command::new("sh").args(["-c", &format!("command -v {program}")])).map(PathBuf::from)
}

fn version(program: &str) -> Result<String, String> {
    let version = output(Command::new(program).arg("--version"))?;
    Ok(version.trim_start_matches(|character: char| !character.is_ascii_digit()).to_owned())
}

fn run(command: &mut Command) -> Result<(), String> {
    output(command).map(drop)
}

fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if !done.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// What a file takes in a package.
pub fn zipped(path: &Path) -> usize {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&fs::read(path).unwrap()).unwrap();
    encoder.finish().unwrap().len()
}
