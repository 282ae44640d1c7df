//! The object store that the Delta log is written through: a local file system whose every new file is durable.
//!
//! `object_store`'s local file system never syncs, so a commit could be acknowledged, trimmed from the write-ahead
//! log, and then lost or found half-written after a power cut. Reads pass through; writes go by [`crate::durable`].

use std::fmt;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::durable::{self, Existing, Watch};
use crate::source::Failing;

/// A local file system, rooted at `/`, that syncs files before they are visible and directories after.
#[derive(Clone, Debug)]
pub(crate) struct SyncedStore {
    local: LocalFileSystem,
    watch: Watch,
    failing: Failing,
}

impl SyncedStore {
    pub(crate) fn new(watch: Watch, failing: Failing) -> Self {
        Self {
            local: LocalFileSystem::new(),
            watch,
            failing,
        }
    }

    /// Remembers failures of the storage, which are none of the answers that a store may give.
    fn note(&self, why: &object_store::Error) {
        if matches!(why, object_store::Error::Generic { .. }) {
            self.failing.note(why);
        }
    }

    fn noting(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        listing.inspect_err(move |why| store.note(why)).boxed()
    }

    fn path(&self, location: &Path) -> Result<PathBuf> {
        self.local.path_to_filesystem(location)
    }
}

impl fmt::Display for SyncedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SyncedStore")
    }
}

#[async_trait]
impl ObjectStore for SyncedStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let existing = match options.mode {
            PutMode::Overwrite => Existing::Replace,
            PutMode::Create => Existing::Refuse,
            PutMode::Update(_) => return Err(unsupported("conditional update")),
        };
        let path = self.path(location)?;
        let chunks = payload.iter().map(AsRef::as_ref);
        durable::write(&self.watch, &path, chunks, existing).map_err(|source| {
            match source.kind() {
                io::ErrorKind::AlreadyExists => object_store::Error::AlreadyExists {
                    path: location.to_string(),
                    source: source.into(),
                },
                _ => failed(source),
            }
        })?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("multipart upload"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // Read here and now, where it is seen whether the storage failed; entries of the log are small.
        let read = async {
            let head = options.head;
            let result = self.local.get_opts(location, options).await?;
            if head {
                return Ok(result);
            }
            let (meta, range) = (result.meta.clone(), result.range.clone());
            let attributes = result.attributes.clone();
            let bytes = result.bytes().await?;
            Ok(GetResult {
                payload: GetResultPayload::Stream(
                    futures::stream::once(async { Ok(bytes) }).boxed(),
                ),
                meta,
                range,
                attributes,
            })
        };
        read.await.inspect_err(|why| self.note(why))
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let local = self.local.clone();
        let watch = self.watch.clone();
        locations
            .and_then(move |location| {
                let removed = local
                    .path_to_filesystem(&location)
                    .and_then(|path| durable::remove(&watch, &[path]).map_err(failed));
                std::future::ready(removed.map(|()| location))
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.noting(self.local.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.noting(self.local.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let listed = self.local.list_with_delimiter(prefix).await;
        listed.inspect_err(|why| self.note(why))
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(unsupported("copy"))
    }
}

/// Nothing here needs these, and a default that does not sync must not slip in.
fn unsupported(operation: &str) -> object_store::Error {
    object_store::Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "SyncedStore".to_owned(),
    }
}

fn failed(source: io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "SyncedStore",
        source: source.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::durable::Step;
    use object_store::ObjectStoreExt as _;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_put_syncs_the_file_and_its_directory_and_create_refuses_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&steps);
        let store = SyncedStore::new(
            Watch::new(move |step| {
                seen.lock().unwrap().push(step.clone());
                Ok(())
            }),
            Failing::default(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let file = folder.path().join("_delta_log/0.json");
        let location = Path::from_absolute_path(&file).unwrap();
        let create = || PutOptions::from(PutMode::Create);
        runtime
            .block_on(store.put_opts(&location, "{}".into(), create()))
            .unwrap();
        let recorded = steps.lock().unwrap().clone();
        assert!(recorded.contains(&Step::SyncFile(file.clone())));
        assert_eq!(
            recorded.last(),
            Some(&Step::SyncDirectory(folder.path().join("_delta_log")))
        );
        let again = runtime.block_on(store.put_opts(&location, "!".into(), create()));
        assert!(matches!(
            again,
            Err(object_store::Error::AlreadyExists { .. })
        ));
        runtime.block_on(store.delete(&location)).unwrap();
        assert!(!file.exists());
    }
}
