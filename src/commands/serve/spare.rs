//! The tree of the next version, made while nobody waits for it: like the last one, with byte code for what has none yet.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::disk::Disk;
use crate::bundle::{BundleError, Tree};

/// Less source than this is compiled faster by whoever imports it than by another process.
const WORTH_COMPILING: u64 = 32 * 1024;

/// A tree in the making.
pub(super) struct Spare {
    making: JoinHandle<Result<Tree, BundleError>>,
    /// Ends the compiler when it is sent or dropped.
    hurry: oneshot::Sender<()>,
}

impl Spare {
    /// Begins a tree like `tree` at `root`.
    pub(super) fn make(tree: Arc<Tree>, root: PathBuf, python: PathBuf, disk: Arc<Disk>) -> Self {
        let (hurry, hurried) = oneshot::channel();
        let making = tokio::spawn(async move {
            let mut spare = disk.run(move |_| tree.link_to(&root)).await?;
            let files = spare.uncompiled();
            let size: u64 = files.iter().filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum();
            if size >= WORTH_COMPILING {
                compile(&python, &files, hurried).await;
            }
            spare.adopt_byte_code();
            Ok(spare)
        });
        Self { making, hurry }
    }

    /// The tree, now, with as much byte code as there is.
    pub(super) async fn take(self) -> Result<Tree, BundleError> {
        let _ = self.hurry.send(());
        self.making.await.unwrap_or(Err(BundleError::Empty))
    }
}

/// Byte code is good for these very files, so nobody has to compare: a file that changes loses it. What cannot be compiled says so when it is imported.
async fn compile(python: &Path, files: &[PathBuf], hurried: oneshot::Receiver<()>) {
    let mut command = Command::new(python);
    command.args(["-I", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash", "-i", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let Ok(mut child) = command.spawn() else { return };
    let list: Vec<u8> = files.iter().flat_map(|file| [file.as_os_str().as_encoded_bytes(), b"\n"].concat()).collect();
    let stdin = child.stdin.take();
    let work = async {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(&list).await;
        }
        let _ = child.wait().await;
    };
    tokio::select! {
        () = work => return,
        _ = hurried => {}
    }
    // It must not write any more when the tree is changed.
    let _ = child.kill().await;
}
