//! What is said where something is not as it should be: what it is, and what to do about it.

use std::{fs, os::unix::fs::PermissionsExt, os::unix::process::CommandExt, process::Command};

use emulator::Database;

use crate::{
    place::{CUSTOMER, Done, Place, lines, on_aws, port},
    running::{Running, local},
};

/// A command that fails with one line, which has to be short.
fn refusal(command: &mut Command) -> String {
    let done = Done::from(command.output().unwrap());
    assert_eq!((done.code, done.output.as_str()), (1, ""), "{}", done.remarks);
    assert_eq!(done.remarks.lines().count(), 1, "{}", done.remarks);
    assert!(done.remarks.len() < 500, "{}", done.remarks);
    done.remarks
}

#[test]
fn a_command_makes_no_data_file_unless_it_is_told_to() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..1));
    place.write("definitions.jsonl", r#"{"id": 7, "name": "Tier"}"#);
    let customer = ["--org", "telco", "--customer", CUSTOMER];
    let nowhere = ["--data", "nowhere.db"];
    for command in [
        &["keys", "list"][..],
        &["import", "categories.jsonl", "--org", "telco"],
        &["catalogue", "survey", "--org", "telco"],
        &["catalogue", "import", "definitions.jsonl", "--org", "telco"],
        &[&["customers", "export"], &customer[..]].concat(),
        &[&["customers", "erase", "--yes"], &customer[..]].concat(),
    ] {
        let said = refusal(&mut place.command(&[command, &nowhere].concat()));
        assert!(said.contains("there is no data file nowhere.db in /"), "{said}");
        assert!(said.contains("`--data`") && said.contains("`--create-data`"), "{said}");
        assert!(!place.path("nowhere.db").exists() && !place.path("nowhere.db.lock").exists());
    }
    let create = ["import", "categories.jsonl", "--org", "telco", "--create-data"];
    let done = place.run(&[&create[..], &nowhere].concat());
    assert_eq!((done.code, done.output.as_str()), (0, "1 imported, 0 there already, 0 rejected\n"));
    assert_eq!(place.run(&[&["keys", "list"][..], &nowhere].concat()).code, 0);
}

/// The superuser may read everything, so the command is somebody else's, who may not reach the program where it is.
fn by_no_superuser(place: &Place, command: Command) -> Command {
    if !rustix::process::geteuid().is_root() {
        return command;
    }
    let program = place.path("customers-categories");
    fs::copy(command.get_program(), &program).unwrap();
    let mut elsewhere = Command::new(program);
    elsewhere.args(command.get_args()).current_dir(place.path("")).uid(65534).gid(65534);
    elsewhere
}

#[test]
fn what_is_wrong_with_a_data_file_is_said_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    fs::copy(place.path("data.db"), place.path("secret.db")).unwrap();
    fs::set_permissions(place.path("secret.db"), fs::Permissions::from_mode(0o000)).unwrap();
    for arguments in [&["--data", "folder"][..], &["keys", "list", "--data", "folder"]] {
        let said = refusal(&mut place.command(arguments));
        assert!(said.contains("the data file folder is a folder; name a file in it"), "{said}");
        assert!(!place.path("folder.lock").exists());
    }
    for arguments in [&["--data", "secret.db"][..], &["keys", "list", "--data", "secret.db"]] {
        let said = refusal(&mut by_no_superuser(&place, place.command(arguments)));
        assert!(said.contains("secret.db can't be read or written: Permission denied"), "{said}");
    }
}

#[test]
fn what_is_missing_for_aws_is_named() {
    let place = Place::new();
    let server = place.serve();
    let on_table = |table: &str| {
        let mut command = place.command(&["customers", "export", "--org", "telco", "--customer", CUSTOMER]);
        command.args(["--table", table]).env_clear().env("HOME", place.path(""));
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        on_aws(&mut command, &server);
        command
    };
    let said = refusal(on_table("customers-categories").env_remove("AWS_REGION"));
    assert!(said.contains("no AWS region is set; set `AWS_REGION`"), "{said}");
    let said = refusal(on_table("customers-categories").env_remove("AWS_ACCESS_KEY_ID"));
    assert!(said.contains("there are no AWS credentials") && said.contains("`AWS_PROFILE`"), "{said}");
    let said = refusal(&mut on_table("customer-categories"));
    assert!(said.contains("there is no table customer-categories in the region eu-west-1"), "{said}");
    let said = refusal(&mut on_table("customers-categories-keys"));
    assert!(said.contains("the table customers-categories-keys is not the one that is meant"), "{said}");
    let mut keys = place.command(&["keys", "list", "--table", "customers-categories"]);
    let said = refusal(on_aws(&mut keys, &server));
    assert!(said.contains("the table customers-categories is not the one that is meant"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_trust_what_the_environment_names() {
    let place = Place::new();
    let server = place.serve();
    let database = Database::start(&server.dynamodb_url).await;
    place.write("right.pem", database.root());
    let command = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["keys", "list", "--table", "customers-categories-keys"]);
        on_aws(&mut command, &server).env("AWS_ENDPOINT_URL_DYNAMODB", database.url());
        command.env_remove("AWS_CA_BUNDLE").env_remove("SSL_CERT_FILE").envs(variables.iter().copied());
        command
    };
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let done = Done::from(command(&[(variable, "right.pem")]).output().unwrap());
        assert_eq!(done.code, 0, "{}", done.remarks);
    }
    let said = refusal(&mut command(&[("AWS_CA_BUNDLE", "missing.pem"), ("SSL_CERT_FILE", "right.pem")]));
    assert!(said.contains("the file missing.pem, named by AWS_CA_BUNDLE: No such file"), "{said}");
    let said = refusal(&mut command(&[]));
    assert!(said.contains("certificate"), "{said}");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_said_to_be_busy() {
    let place = Place::new();
    let server = place.serve();
    server.send("-STOP");
    let said = refusal(&mut place.command(&["keys", "list", "--dynamodb-port", port(&server)]));
    server.send("-CONT");
    assert!(said.contains("it does not answer in time; where it is busy, try again later"), "{said}");
}

#[test]
fn a_wrong_variable_is_named_and_not_the_option() {
    for (variable, value, option) in [
        ("LOCAL_PORT", "x", "--port <PORT>"),
        ("LOCAL_DYNAMODB_PORT", "70000", "--dynamodb-port <PORT>"),
        ("LOCAL_DYNAMODB_ADDRESS", "here", "--dynamodb-address <IP>"),
        ("LOCAL_ALLOW_HOST", "a,b/c", "--allow-host <NAME>"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_customers-categories"));
        let done = Done::from(command.env_clear().env(variable, value).output().unwrap());
        assert_eq!((done.code, done.output.as_str()), (2, ""));
        let named = format!("for '{option}' in the variable '{variable}'");
        assert!(done.remarks.contains(&named), "{}", done.remarks);
        // What is written on the command line is not the variable's fault.
        let name = option.split(' ').next().unwrap();
        let done = Done::from(local(&[name, "a/b"]).env(variable, "a/b").output().unwrap());
        assert_eq!(done.code, 2);
        assert!(!done.remarks.contains(variable), "{}", done.remarks);
    }
}

#[tokio::test]
async fn in_memory_means_no_servers_data_file() {
    let place = Place::new();
    place.write("categories.jsonl", lines(0..1));
    let server = Running::of(&mut place.command(&[]));
    let import = ["import", "categories.jsonl", "--org", "telco", "--in-memory"];
    let said = refusal(&mut place.command(&[&import[..], &["--dynamodb-port", port(&server)]].concat()));
    assert!(said.contains("keeps its data in a file, not in memory; nothing has been done"), "{said}");
    assert_eq!(server.request("GET", crate::running::CATEGORIES, None).await.0, 404);
}
