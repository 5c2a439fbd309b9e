//! A table of vectors, one a token, as safetensors hold it.
//!
//! What always holds: every token that the table was read for has a row; every number is finite.

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::files::{File, LoadError};
use crate::vector::Mean;

const REMEDY: &str = "fetch the model again, or distil it again";

/// What the tensor of vectors is called: by model2vec, by WordLlama, and by sentence-transformers.
const NAMES: &[&str] = &["embeddings", "embedding.weight", "0.embedding.weight"];

/// The vectors, and where each token's is.
#[derive(Debug)]
pub struct Table {
    values: Values,
    dimensions: usize,
    /// The row of each token and what it weighs, when tokens share rows or weigh differently.
    rows: Vec<(usize, f32)>,
}

/// Numbers as they are stored: a table in halves or bytes stays so in memory.
#[derive(Debug)]
enum Values {
    Single(Vec<f32>),
    Half(Vec<f16>),
    Brain(Vec<bf16>),
    Byte(Vec<i8>),
}

impl Table {
    /// The table in `file` for tokens numbered below `tokens`.
    pub fn read(file: &File, tokens: usize) -> Result<Self, LoadError> {
        let tensors = SafeTensors::deserialize(&file.bytes)
            .map_err(|error| file.refuse(format!("not safetensors: {error}"), REMEDY))?;
        let Some(vectors) = NAMES.iter().find_map(|name| tensors.tensor(name).ok()) else {
            return Err(file
                .refuse("has no tensor called embeddings", "give a static model, not a whole transformer"));
        };
        let &[count, dimensions] = vectors.shape() else {
            return Err(file.refuse(format!("embeddings have the shape {:?}", vectors.shape()), REMEDY));
        };
        if count == 0 || dimensions == 0 {
            return Err(file.refuse("embeddings are empty", REMEDY));
        }
        let values =
            Values::read(&vectors).map_err(|what| file.refuse(format!("embeddings {what}"), REMEDY))?;
        let weights =
            optional(&tensors, "weights", read_weights).map_err(|what| file.refuse(what, REMEDY))?;
        let mapping =
            optional(&tensors, "mapping", read_mapping).map_err(|what| file.refuse(what, REMEDY))?;
        let row = |token: usize| {
            let row = mapping.as_ref().map_or(Some(token), |mapping| mapping.get(token).copied());
            let weight = weights.as_ref().map_or(Some(1.0), |weights| weights.get(token).copied());
            row.filter(|row| *row < count).zip(weight)
        };
        let rows: Option<Vec<(usize, f32)>> = (0..tokens).map(row).collect();
        let Some(rows) = rows else {
            let what = format!("has vectors for {count} tokens, and the tokenizer has {tokens}");
            return Err(file.refuse(what, "take tokenizer.json and the weights from the same model"));
        };
        Ok(Self { values, dimensions, rows })
    }

    /// How many numbers a vector has.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The direction of the mean of the vectors of `tokens`.
    pub fn mean(&self, tokens: &[u32]) -> Vec<f32> {
        let mut mean = Mean::new(self.dimensions);
        for token in tokens {
            let Some(&(row, weight)) = self.rows.get(*token as usize) else {
                debug_assert!(false, "every token has a row");
                continue;
            };
            let at = row * self.dimensions..(row + 1) * self.dimensions;
            match &self.values {
                Values::Single(values) => mean.add(values[at].iter().copied(), weight),
                Values::Half(values) => mean.add(values[at].iter().map(|value| value.to_f32()), weight),
                Values::Brain(values) => mean.add(values[at].iter().map(|value| value.to_f32()), weight),
                Values::Byte(values) => mean.add(values[at].iter().map(|value| f32::from(*value)), weight),
            }
        }
        mean.direction()
    }
}

impl Values {
    fn read(tensor: &TensorView<'_>) -> Result<Self, String> {
        let bytes = tensor.data();
        let (values, finite) = match tensor.dtype() {
            Dtype::F32 => {
                let values = numbers(bytes, f32::from_le_bytes);
                let finite = values.iter().all(|value| value.is_finite());
                (Self::Single(values), finite)
            }
            Dtype::F16 => {
                let values = numbers(bytes, f16::from_le_bytes);
                let finite = values.iter().all(|value| value.is_finite());
                (Self::Half(values), finite)
            }
            Dtype::BF16 => {
                let values = numbers(bytes, bf16::from_le_bytes);
                let finite = values.iter().all(|value| value.is_finite());
                (Self::Brain(values), finite)
            }
            Dtype::I8 => (Self::Byte(numbers(bytes, i8::from_le_bytes)), true),
            other => return Err(format!("are of type {other}")),
        };
        if finite { Ok(values) } else { Err("have a number that is not finite".to_owned()) }
    }
}

/// The tensor `name`, if there is one, read with `read`.
fn optional<T>(
    tensors: &SafeTensors<'_>,
    name: &str,
    read: fn(&TensorView<'_>) -> Result<T, String>,
) -> Result<Option<T>, String> {
    tensors.tensor(name).ok().map(|tensor| read(&tensor).map_err(|what| format!("{name} {what}"))).transpose()
}

fn read_weights(tensor: &TensorView<'_>) -> Result<Vec<f32>, String> {
    let bytes = tensor.data();
    let weights: Vec<f32> = match tensor.dtype() {
        Dtype::F64 => numbers(bytes, f64::from_le_bytes).into_iter().map(|weight| weight as f32).collect(),
        Dtype::F32 => numbers(bytes, f32::from_le_bytes),
        Dtype::F16 => numbers(bytes, f16::from_le_bytes).into_iter().map(f16::to_f32).collect(),
        other => return Err(format!("are of type {other}")),
    };
    let finite = weights.iter().all(|weight| weight.is_finite());
    if finite { Ok(weights) } else { Err("have a number that is not finite".to_owned()) }
}

fn read_mapping(tensor: &TensorView<'_>) -> Result<Vec<usize>, String> {
    let bytes = tensor.data();
    let rows: Result<Vec<usize>, _> = match tensor.dtype() {
        Dtype::I64 => numbers(bytes, i64::from_le_bytes).into_iter().map(usize::try_from).collect(),
        Dtype::I32 => numbers(bytes, i32::from_le_bytes).into_iter().map(usize::try_from).collect(),
        other => return Err(format!("is of type {other}")),
    };
    rows.map_err(|error| format!("has a row that cannot be: {error}"))
}

/// `bytes` as numbers of `N` bytes each. The library has checked that they come out even.
fn numbers<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}
