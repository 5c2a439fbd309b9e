//! The commands around the config, as a person or a script meets them: what is printed where, and the exit code.

use std::path::PathBuf;
use std::process::{Command, Output};

const VALID: &str = "[[endpoint]]\nname = \"a\"\nbase_url = \"http://127.0.0.1:1\"\n[[endpoint]]\nname = \"b\"\nbase_url = \"http://127.0.0.1:2\"\n[[pool]]\nmodel = \"*\"\nendpoints = [\"a\", \"b\"]\n";

/// A folder of its own, removed at the end, in which weir runs with nothing in its environment but what is given.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weir-config-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self(path)
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.0.join(file), text).expect("the folder is this test's own");
    }

    fn weir(&self, args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(args).current_dir(&self.0).env_clear().envs(env.iter().copied());
        let Output { status, stdout, stderr } = command.output().expect("the binary was built for this test");
        let text = |bytes| String::from_utf8(bytes).expect("weir writes UTF-8");
        (status.code(), text(stdout), text(stderr))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the temporary directory harms nobody.
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_valid_file_is_one_line_and_success() {
    let folder = Folder::new("valid");
    folder.write("weir.toml", VALID);
    let (code, stdout, stderr) = folder.weir(&["check"], &[]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(0), "weir.toml: 2 endpoints, 1 pool, 0 keys: ok\n", "")
    );
}

#[test]
fn an_invalid_file_is_exit_code_3_and_every_mistake_on_standard_error() {
    let folder = Folder::new("invalid");
    folder.write("other.toml", &VALID.replace("\"b\"]", "\"c\"]").replace(":2", "?2"));
    let (code, stdout, stderr) = folder.weir(&["check", "--config", "other.toml"], &[]);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains("other.toml:6:12") && stderr.contains("other.toml:9:19"), "{stderr}");
    assert!(stderr.contains("2 mistakes") && !stderr.contains('\u{1b}'), "{stderr}");
    let (code, _, stderr) = folder.weir(&["serve", "--config", "other.toml"], &[]);
    assert_eq!(code, Some(3), "{stderr}");
}

#[test]
fn programs_get_the_same_as_json() {
    let folder = Folder::new("json");
    folder.write("weir.toml", &format!("{VALID}[cache]\nmod = \"all\"\n"));
    let (code, stdout, stderr) = folder.weir(&["check", "--json"], &[]);
    assert_eq!((code, stderr.as_str()), (Some(3), ""));
    let told: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(told["ok"], false);
    let problem = &told["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["line"], &problem["column"]),
        (&"W003".into(), &11.into(), &1.into())
    );
    assert_eq!(problem["help"], "did you mean `mode`?");
}

#[test]
fn without_a_file_the_environment_is_checked() {
    let folder = Folder::new("environment");
    let (code, stdout, _) = folder.weir(&["check"], &[("DEEPSEEK_API_KEY", "k")]);
    assert_eq!((code, stdout.as_str()), (Some(0), "environment: 1 endpoint, 3 pools, 0 keys: ok\n"));
    let (code, _, stderr) = folder.weir(&["check"], &[]);
    assert_eq!(code, Some(3));
    assert!(stderr.contains("export DEEPSEEK_API_KEY"), "{stderr}");
}

#[test]
fn a_new_key_can_be_appended_to_the_file_and_its_token_stays_out_of_it() {
    let folder = Folder::new("key");
    let (code, stdout, stderr) = folder.weir(&["key", "new", "--name", "the \"app\""], &[]);
    assert_eq!(code, Some(0));
    assert!(stderr.contains("weir_") && !stdout.contains("weir_"), "{stdout}{stderr}");
    folder.write("weir.toml", &format!("{VALID}{stdout}"));
    let (code, stdout, stderr) = folder.weir(&["check"], &[]);
    assert_eq!((code, stdout.as_str()), (Some(0), "weir.toml: 2 endpoints, 1 pool, 1 key: ok\n"), "{stderr}");
}
