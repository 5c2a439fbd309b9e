//! Vectors of unit length.
//!
//! What always holds: whatever is summed, the result is finite, and its length is one or it is all zeros.

/// The mean of vectors, given one by one; only its direction, since length says nothing here. Sums are in `f64`: no
/// number of `f32` values that fits a text leaves its range, nor do their squares.
pub struct Mean {
    sum: Vec<f64>,
}

impl Mean {
    /// Of no vectors so far.
    pub fn new(dimensions: usize) -> Self {
        Self { sum: vec![0.0; dimensions] }
    }

    /// Adds `vector`, times `weight`.
    pub fn add(&mut self, vector: impl IntoIterator<Item = f32>, weight: f32) {
        for (sum, value) in self.sum.iter_mut().zip(vector) {
            *sum += f64::from(value) * f64::from(weight);
        }
    }

    /// The direction of the mean: of unit length, or zeros when it has none.
    pub fn direction(self) -> Vec<f32> {
        let largest = self.sum.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let has_direction = largest.is_normal() && self.sum.iter().all(|value| value.is_finite());
        if !has_direction {
            return vec![0.0; self.sum.len()];
        }
        // Scaled first, so that squares neither vanish nor overflow.
        let length = self.sum.iter().map(|value| (value / largest).powi(2)).sum::<f64>().sqrt();
        self.sum.iter().map(|value| (value / largest / length) as f32).collect()
    }
}
