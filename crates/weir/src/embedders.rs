//! What turns questions into vectors, as the config names it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use weir_cache::Boxed;
use weir_cache::config::{self, Semantic};
use weir_cache::semantic::embedder::{Embedder, NotEmbedded};
use weir_embed::Static;
use weir_pipeline::{Itself, ModelEmbedder};

/// The embedder of a config. `revision`: which services answer for models.
pub fn of(
    semantic: &Semantic,
    itself: &Arc<Itself>,
    revision: &[String],
) -> anyhow::Result<Arc<dyn Embedder>> {
    match semantic.embedder {
        config::Embedder::Model => {
            let model = semantic.model.clone().context("`[cache.semantic] model` names no model")?;
            let mut hasher = blake3::Hasher::new();
            for part in revision.iter().chain([&model]) {
                hasher.update(part.as_bytes()).update(&[0]);
            }
            Ok(Arc::new(ModelEmbedder::new(itself.clone(), model, *hasher.finalize().as_bytes())))
        }
        local => {
            let path = semantic.path.as_deref().context("`[cache.semantic] path` names no folder")?;
            self::local(local, path)
        }
    }
}

/// One that works in this process, with the weights in a folder.
pub fn local(kind: config::Embedder, path: &Path) -> anyhow::Result<Arc<dyn Embedder>> {
    match kind {
        config::Embedder::Static => Ok(Arc::new(Table(Static::load(path)?))),
        #[cfg(feature = "minilm")]
        config::Embedder::Minilm => Ok(Arc::new(Reader(Arc::new(weir_embed::MiniLm::load(path)?)))),
        #[cfg(not(feature = "minilm"))]
        config::Embedder::Minilm => {
            bail!(
                "this weir was built without MiniLM; build it with `--features minilm`, or use `embedder = \"static\"`"
            )
        }
        config::Embedder::Model => {
            bail!("a pool's model does not work in this process; use `static` or `minilm`")
        }
    }
}

/// Looks words up: microseconds, so that no worker is kept from anything.
struct Table(Static);

impl Embedder for Table {
    fn id(&self) -> [u8; 32] {
        self.0.id()
    }

    fn embed<'a>(&'a self, text: &'a str) -> Boxed<'a, Result<Vec<f32>, NotEmbedded>> {
        Box::pin(std::future::ready(known(self.0.embed_whole(text))))
    }
}

/// Reads the sentence: milliseconds, on a thread for that.
#[cfg(feature = "minilm")]
struct Reader(Arc<weir_embed::MiniLm>);

#[cfg(feature = "minilm")]
impl Embedder for Reader {
    fn id(&self) -> [u8; 32] {
        self.0.id()
    }

    fn embed<'a>(&'a self, text: &'a str) -> Boxed<'a, Result<Vec<f32>, NotEmbedded>> {
        let (model, text) = (self.0.clone(), text.to_owned());
        let read = tokio::task::spawn_blocking(move || model.embed_whole(&text));
        Box::pin(async move { known(read.await.map_err(|error| NotEmbedded(error.to_string()))?) })
    }
}

/// A text that is cut, or in which nothing is known, is like nothing.
fn known(vector: Option<Vec<f32>>) -> Result<Vec<f32>, NotEmbedded> {
    let vector = vector.ok_or_else(|| NotEmbedded("the question is longer than the model reads".into()))?;
    if vector.iter().all(|number| *number == 0.0) {
        return Err(NotEmbedded("the model knows no word of it".into()));
    }
    Ok(vector)
}
