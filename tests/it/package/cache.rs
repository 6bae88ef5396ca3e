//! What one build leaves for the next never shows in what comes out: whatever was edited, damaged or removed in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use zappa::bundle::BundleError;
use zappa::model::Target;
use zappa::settings::Slim;

use super::fixture::{Fixture, run_python, write};
use crate::support::python;
use crate::support::random::Random;
use crate::support::wheels::{unpack, wheel};

fn fixture() -> Fixture {
    let mut fixture = Fixture::new().distribution("Flask", "3.1.3", &[], true).site("flask/broken.py", "print 'two'\n");
    fixture.python = python::interpreter();
    fixture.minor = run_python("import sys; print(sys.version_info[1])", &[]).trim().parse().unwrap();
    fixture
}

fn archive(fixture: &Fixture) -> Vec<u8> {
    let bundle = fixture.write(&fixture.manifest(), "out").unwrap_or_else(|error| panic!("{}", fixture.shown(&error)));
    fs::read(&bundle.app().unwrap().path).unwrap()
}

/// As if nothing had ever been built.
fn from_scratch(fixture: &Fixture) -> Vec<u8> {
    let aside = fixture.files.outside().join("cache-aside");
    fs::rename(fixture.cache(), &aside).unwrap();
    let bytes = archive(fixture);
    fs::remove_dir_all(fixture.cache()).unwrap();
    fs::rename(aside, fixture.cache()).unwrap();
    bytes
}

/// By those who will read it.
fn check(archive: &Path) {
    run_python(
        "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
         assert [i.filename for i in z.infolist()] == sorted({i.filename for i in z.infolist()}, key=str.encode)",
        &[archive],
    );
    match Command::new("unzip").arg("-tqq").arg(archive).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}

/// A tree of files that is edited at random.
struct Tree {
    random: Random,
    root: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    fn new(seed: u64, root: &Path) -> Self {
        let mut tree = Self { random: Random(seed), root: root.to_owned(), files: BTreeMap::new() };
        (0..12).for_each(|_| tree.add());
        tree
    }

    fn content(&mut self, path: &str) -> Vec<u8> {
        match self.random.below(8) {
            0 => Vec::new(),
            // Does not shrink.
            1 => self.random.bytes(5_000),
            2 => vec![b'\n'; self.random.below(400_000)],
            _ if Path::new(path).extension().is_some_and(|extension| extension == "py") => {
                format!("value = {}\n", self.random.below(90) + 10).repeat(self.random.below(5) + 1).into_bytes()
            }
            _ => self.random.text(&["body ", "{}", "ü", "\n"], 300).into_bytes(),
        }
    }

    fn put(&mut self, path: String, content: Vec<u8>) {
        write(&self.root.join(&path), &content);
        self.files.insert(path, content);
    }

    fn add(&mut self) {
        let directory = *self.random.pick(&["", "pkg/", "pkg/deep/er/", "stätic/"]);
        let name = *self.random.pick(&["a", "B", "ünïcode", "__init__"]);
        let extension = *self.random.pick(&["py", "css", "bin"]);
        let path = format!("{directory}{name}{}.{extension}", self.random.below(20));
        let content = self.content(&path);
        self.put(path, content);
    }

    fn any(&mut self) -> Option<String> {
        let paths: Vec<&String> = self.files.keys().collect();
        if paths.is_empty() { None } else { Some((*self.random.pick(&paths)).clone()) }
    }

    fn edit(&mut self) {
        let Some(path) = self.any() else { return self.add() };
        let file = self.root.join(&path);
        match self.random.below(8) {
            0 => self.add(),
            1 => {
                fs::remove_file(file).unwrap();
                self.files.remove(&path);
            }
            2 => {
                let (content, name) = (self.files.remove(&path).unwrap(), format!("{path}x"));
                fs::rename(file, self.root.join(&name)).unwrap();
                self.files.insert(name, content);
            }
            // The same size, at the time that it has, in place and by another file.
            3 | 4 => {
                let modified = fs::metadata(&file).unwrap().modified().unwrap();
                let mut content = self.files[&path].clone();
                content.reverse();
                if self.random.one_in(2) {
                    fs::rename(&file, self.root.join("../aside")).unwrap();
                }
                self.put(path, content);
                fs::File::open(&file).unwrap().set_modified(modified).unwrap();
            }
            #[cfg(unix)]
            5 => {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = *self.random.pick(&[0o644, 0o755, 0o600, 0o711]);
                fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
            }
            // Only the time.
            6 => fs::File::open(&file).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap(),
            _ => {
                let content = self.content(&path);
                self.put(path, content);
            }
        }
    }
}

#[test]
fn random_edits_give_the_archive_that_a_build_from_scratch_gives() {
    for seed in [0x5eed, 77, 4_000_000_007] {
        let fixture = fixture();
        let mut trees = [Tree::new(seed, fixture.root()), Tree::new(seed + 1, &fixture.site_packages())];
        for round in 0..6 {
            for tree in &mut trees {
                (0..tree.random.below(4)).for_each(|_| tree.edit());
            }
            let incremental = archive(&fixture);
            assert!(incremental == from_scratch(&fixture), "seed {seed}, round {round}");
            assert!(incremental == archive(&fixture), "seed {seed}, round {round}, once more");
            check(&fixture.files.outside().join("out/app.zip"));
        }
    }
}

/// Every run that has something new leaves a file of it: they do not become ever more.
#[test]
fn what_many_runs_add_is_put_together() {
    let fixture = fixture().file("static/kept.txt", "kept\n");
    let mut most = 0;
    for number in 0..70 {
        fixture.files.write("static/changing.txt", format!("number {number}\n"));
        archive(&fixture);
        let members = kept(&fixture).into_iter().filter(|(part, _)| part == "members").count();
        most = most.max(members);
        assert!(members <= 33, "{members}");
    }
    assert!(most > 30, "{most}");
    let whole = archive(&fixture);
    assert!(whole == from_scratch(&fixture));
    // All that was ever added is still there: nobody needs an interpreter.
    let fixture = Fixture { python: PathBuf::from("python-is-not-run"), ..fixture };
    fixture.files.write("static/changing.txt", "number 0\n");
    archive(&fixture);
}

/// Files of the cache, by the directory of it that they are in.
fn kept(fixture: &Fixture) -> Vec<(String, PathBuf)> {
    let files = walkdir::WalkDir::new(fixture.cache()).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let part = |path: &Path| path.strip_prefix(fixture.cache()).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
    files.filter(|path| path.is_file()).map(|path| (part(&path), path)).collect()
}

#[test]
fn whatever_is_damaged_is_made_anew() {
    let ways: [fn(&mut Vec<u8>); 4] =
        [|bytes| bytes.truncate(bytes.len() / 2), |bytes| *bytes.last_mut().unwrap() ^= 1, Vec::clear, |bytes| bytes[0] ^= 0x80];
    // Large enough for a copy of the archive to be kept.
    let mut fixture = fixture().file("static/large.txt", "large\n".repeat(1_000_000)).file("two.py", "print 'two'\n");
    let whole = archive(&fixture);
    // The files are old enough by now to be remembered.
    archive(&fixture);
    let parts = ["archives", "byte-code", "known", "members"];
    let intact: Vec<_> = kept(&fixture).into_iter().map(|(part, file)| (part, fs::read(&file).unwrap(), file)).collect();
    for part in parts {
        assert!(intact.iter().any(|(known, ..)| known == part), "`{part}` is in the cache: {:?}", kept(&fixture));
    }
    for damaged in parts.into_iter().map(Some).chain([None]) {
        for (number, way) in ways.iter().enumerate() {
            // Nor is there anything else that could be taken instead.
            fs::remove_dir_all(fixture.cache().join("members")).unwrap();
            for (part, content, file) in &intact {
                let mut bytes = content.clone();
                if damaged.is_none_or(|damaged| damaged == part) {
                    way(&mut bytes);
                }
                write(file, bytes);
            }
            let archives = fixture.cache().join("archives");
            // Members of a whole archive are not looked at.
            if damaged == Some("members") {
                fs::remove_dir_all(&archives).unwrap();
            }
            assert!(whole == archive(&fixture), "{damaged:?}, {number}");
            // What was needed and damaged has been replaced: by now nobody needs an interpreter, or an archive.
            let python = std::mem::replace(&mut fixture.python, PathBuf::from("python-is-not-run"));
            assert!(whole == archive(&fixture), "{damaged:?}, {number}: once more");
            if damaged.is_none_or(|damaged| damaged == "members") {
                fs::remove_dir_all(archives).unwrap();
                assert!(whole == archive(&fixture), "{damaged:?}, {number}: of its members");
            }
            fixture.python = python;
        }
    }
}

/// What was compiled has to be what is shipped.
#[test]
fn a_source_rewritten_between_plan_and_archive_is_noticed() {
    for path in ["shop.py", "settings.txt"] {
        let fixture = fixture().file(path, "limit = 10\n");
        let before = archive(&fixture);
        let manifest = fixture.manifest();
        let file = fixture.root().join(path);
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fixture.files.write(path, "limit = 99\n");
        fs::File::open(&file).unwrap().set_modified(modified).unwrap();
        match fixture.write(&manifest, "out") {
            Err(BundleError::Changed { path: named }) => assert_eq!((named, path), (file.canonicalize().unwrap(), "shop.py")),
            // What it was when it was looked at is at hand, source and byte code.
            Ok(_) if path == "shop.py" => assert!(fs::read(fixture.files.outside().join("out/app.zip")).unwrap() == before),
            // Without byte code, whatever is in it now is good.
            Ok(_) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(archive(&fixture) == from_scratch(&fixture));
    }
}

/// Tells which files of a directory were opened since it was asked last. Seen from outside: by the kernel.
#[cfg(target_os = "linux")]
fn opened_in(directory: &Path) -> impl Fn() -> BTreeSet<String> + use<> {
    use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
    use std::mem::MaybeUninit;

    let watch = init(CreateFlags::NONBLOCK).unwrap();
    add_watch(&watch, directory, WatchFlags::OPEN).unwrap();
    move || {
        let mut buffer = [MaybeUninit::uninit(); 65536];
        let mut reader = Reader::new(&watch, &mut buffer);
        let mut names = BTreeSet::new();
        while let Ok(event) = reader.next() {
            if !event.events().contains(ReadFlags::ISDIR) {
                names.extend(event.file_name().map(|name| name.to_str().unwrap().to_owned()));
            }
        }
        names
    }
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_are_as_they_were_are_not_opened() {
    let mut fixture = fixture();
    for number in 0..30 {
        fixture =
            fixture.site(&format!("flask/part{number}.py"), format!("part = {number}\n")).site(&format!("flask/{number}.txt"), "text");
    }
    let opened = opened_in(&fixture.site_packages().join("flask"));
    let whole = archive(&fixture);
    assert_eq!(opened().len(), 62, "every file is read once it is there");
    // What had just been written is read until its time tells.
    crate::support::eventually("nothing is opened", || {
        assert!(whole == archive(&fixture));
        opened().is_empty()
    });
    // Nor those that stand beside one that is not.
    fixture.files.write("app.py", "app = 2\n");
    assert!(whole != archive(&fixture));
    assert_eq!(opened(), BTreeSet::new());
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_stripped_of_its_symbols_is_not_opened_again() {
    let mut fixture = Fixture::new().packaging(|packaging| packaging.slim = Slim::Max);
    fixture.settings.target = Target::Aws;
    let name = "markupsafe-3.0.3-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl";
    unpack(&wheel(name), &fixture.site_packages());
    let object = "_speedups.cpython-311-x86_64-linux-gnu.so";
    let opened = opened_in(&fixture.site_packages().join("markupsafe"));
    let before = archive(&fixture);
    assert!(opened().contains(object));
    // The archive is another one every time, and all of it is put together anew.
    let edits = std::cell::Cell::new(0);
    crate::support::eventually("nothing is opened", || {
        edits.set(edits.get() + 1);
        fixture.files.write("app.py", format!("app = {}\n", edits.get()));
        assert!(before != archive(&fixture));
        opened().is_empty()
    });
    let stripped = fixture.manifest().entries.into_iter().find(|entry| entry.path.ends_with(object)).unwrap();
    assert_eq!(stripped.reason, "stripped, of MarkupSafe 3.0.3");
}
