//! The forward pass of BERT on candle's tensors: what the model says of each token of one text.
//!
//! Written out rather than taken from candle-transformers, which is a hundred models for one of them. Sources: Devlin et
//! al., "BERT", arXiv 1810.04805, and the tensors' names in the model's file. One text at a time, so there is no padding
//! and no mask.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Embedding, LayerNorm, Linear, Module as _, VarBuilder, ops};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use crate::files::{File, LoadError};

const REMEDY: &str = "give config.json and model.safetensors of all-MiniLM-L6-v2, or of a BERT like it";

/// Bounds on the shape, each several times that of BERT-large: a config file cannot ask for all memory.
const LAYERS_MAX: usize = 64;
const WIDTH_MAX: usize = 1 << 14;
const VOCABULARY_MAX: usize = 1 << 21;
const POSITIONS_MAX: usize = 1 << 16;

/// `config.json`: how large the model is.
#[derive(Clone, Debug, Deserialize)]
pub struct Shape {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    layer_norm_eps: f64,
    hidden_act: String,
}

impl Shape {
    pub fn read(file: &File) -> std::result::Result<Self, LoadError> {
        let shape: Self = serde_json::from_slice(&file.bytes)
            .map_err(|error| file.refuse(format!("not the shape of a BERT: {error}"), REMEDY))?;
        let within = |size, max| (1..=max).contains(&size);
        let is_sane = within(shape.vocab_size, VOCABULARY_MAX)
            && within(shape.hidden_size, WIDTH_MAX)
            && within(shape.intermediate_size, WIDTH_MAX)
            && within(shape.num_hidden_layers, LAYERS_MAX)
            && within(shape.num_attention_heads, shape.hidden_size)
            && shape.hidden_size.is_multiple_of(shape.num_attention_heads)
            && (3..=POSITIONS_MAX).contains(&shape.max_position_embeddings)
            && (0.0..1.0).contains(&shape.layer_norm_eps);
        if !is_sane {
            return Err(file.refuse(format!("no BERT has this shape: {shape:?}"), REMEDY));
        }
        if shape.hidden_act != "gelu" {
            return Err(
                file.refuse(format!("hidden_act is {}, and only gelu is known", shape.hidden_act), REMEDY)
            );
        }
        Ok(shape)
    }

    /// How many tokens there are.
    pub fn vocabulary(&self) -> usize {
        self.vocab_size
    }

    /// How many tokens a text may have, at least 3.
    pub fn positions(&self) -> usize {
        self.max_position_embeddings
    }
}

/// The weights.
#[derive(Debug)]
pub struct Bert {
    words: Embedding,
    /// What is added for each position; what all tokens of a first sentence get is in it.
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    heads: usize,
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

impl Bert {
    /// The weights in `file`, for a model of `shape`.
    pub fn read(file: &File, shape: &Shape) -> std::result::Result<Self, LoadError> {
        check_finite(file)?;
        VarBuilder::from_slice_safetensors(&file.bytes, DType::F32, &Device::Cpu)
            .and_then(|tensors| Self::build(&tensors, shape))
            .map_err(|error| file.refuse(error, REMEDY))
    }

    fn build(tensors: &VarBuilder<'_>, shape: &Shape) -> Result<Self> {
        let width = shape.hidden_size;
        let parts = tensors.pp("embeddings");
        let sentence = parts.get((2, width), "token_type_embeddings.weight")?.get(0)?;
        let positions = parts.get((shape.max_position_embeddings, width), "position_embeddings.weight")?;
        let layers = tensors.pp("encoder.layer");
        Ok(Self {
            words: candle_nn::embedding(shape.vocab_size, width, parts.pp("word_embeddings"))?,
            positions: positions.broadcast_add(&sentence)?,
            norm: candle_nn::layer_norm(width, shape.layer_norm_eps, parts.pp("LayerNorm"))?,
            layers: (0..shape.num_hidden_layers)
                .map(|number| Layer::build(&layers.pp(number), shape))
                .collect::<Result<_>>()?,
        })
    }

    /// How many numbers a vector has.
    pub fn dimensions(&self) -> usize {
        self.words.hidden_size()
    }

    /// A vector for each of `tokens`, which are one text. Each must be below the vocabulary, and they no more than the
    /// positions.
    pub fn read_text(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>> {
        let numbers = Tensor::new(tokens, &Device::Cpu)?;
        let positions = self.positions.narrow(0, 0, tokens.len())?;
        let mut states = self.norm.forward(&(self.words.forward(&numbers)? + positions)?)?;
        for layer in &self.layers {
            states = layer.forward(&states)?;
        }
        states.to_vec2()
    }
}

impl Layer {
    fn build(tensors: &VarBuilder<'_>, shape: &Shape) -> Result<Self> {
        let (width, wide) = (shape.hidden_size, shape.intermediate_size);
        let square = |name| candle_nn::linear(width, width, tensors.pp(name));
        let norm = |name| candle_nn::layer_norm(width, shape.layer_norm_eps, tensors.pp(name));
        Ok(Self {
            heads: shape.num_attention_heads,
            query: square("attention.self.query")?,
            key: square("attention.self.key")?,
            value: square("attention.self.value")?,
            attended: square("attention.output.dense")?,
            attended_norm: norm("attention.output.LayerNorm")?,
            wide: candle_nn::linear(width, wide, tensors.pp("intermediate.dense"))?,
            narrow: candle_nn::linear(wide, width, tensors.pp("output.dense"))?,
            norm: norm("output.LayerNorm")?,
        })
    }

    /// `states`, tokens × width, a layer further.
    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let attended = self.attended.forward(&self.attend(states)?)?;
        let states = self.attended_norm.forward(&(attended + states)?)?;
        let thought = self.narrow.forward(&self.wide.forward(&states)?.gelu_erf()?)?;
        self.norm.forward(&(thought + states)?)
    }

    /// What each token takes from the others, all heads side by side.
    fn attend(&self, states: &Tensor) -> Result<Tensor> {
        let (count, width) = states.dims2()?;
        let size = width / self.heads;
        let by_head =
            |tensor: Tensor| tensor.reshape((count, self.heads, size))?.transpose(0, 1)?.contiguous();
        let query = (by_head(self.query.forward(states)?)? / (size as f64).sqrt())?;
        let key = by_head(self.key.forward(states)?)?;
        let value = by_head(self.value.forward(states)?)?;
        let shares = ops::softmax_last_dim(&query.matmul(&key.transpose(1, 2)?)?)?;
        shares.matmul(&value)?.transpose(0, 1)?.reshape((count, width))
    }
}

/// Refuses weights with a number that is not finite: every vector would have it.
fn check_finite(file: &File) -> std::result::Result<(), LoadError> {
    let tensors = SafeTensors::deserialize(&file.bytes)
        .map_err(|error| file.refuse(format!("not safetensors: {error}"), REMEDY))?;
    let is_finite =
        |bytes: &[u8]| bytes.as_chunks().0.iter().all(|number| f32::from_le_bytes(*number).is_finite());
    match tensors.iter().find(|(_, tensor)| tensor.dtype() == Dtype::F32 && !is_finite(tensor.data())) {
        Some((name, _)) => Err(file.refuse(format!("{name} has a number that is not finite"), REMEDY)),
        None => Ok(()),
    }
}
