//! Rectangles whose areas are given numbers, as square as can be (Bruls, Huizing, van Wijk 2000).

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn area(self) -> f64 {
        self.width * self.height
    }

    /// As attributes of an SVG rectangle.
    pub(super) fn attributes(self) -> String {
        let Rect { x, y, width, height } = self;
        format!("x={x:.1} y={y:.1} width={width:.1} height={height:.1}")
    }

    /// The opening tag of a label that lies over this part of a picture.
    pub(super) fn label(self, frame: Rect) -> String {
        format!(
            "<span{} style=\"left:{:.1}%;top:{:.1}%;width:{:.1}%;height:{:.1}%\">",
            if self.width < 260.0 { " class=slim" } else { "" },
            self.x / frame.width * 100.0,
            self.y / frame.height * 100.0,
            self.width / frame.width * 100.0,
            self.height / frame.height * 100.0,
        )
    }
}

/// One rectangle per weight, in order. Weights must be sorted, largest first; zero gets no area.
pub(super) fn squarify(weights: &[f64], within: Rect) -> Vec<Rect> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return vec![Rect { width: 0.0, height: 0.0, ..within }; weights.len()];
    }
    let scale = within.area() / total;
    let areas: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
    let mut free = within;
    let mut out = Vec::with_capacity(areas.len());
    let mut start = 0;
    while start < areas.len() {
        let side = free.width.min(free.height);
        let mut end = start + 1;
        while end < areas.len()
            && worst(&areas[start..=end], side) <= worst(&areas[start..end], side)
        {
            end += 1;
        }
        free = lay(&areas[start..end], free, &mut out);
        start = end;
    }
    out
}

/// The worst aspect ratio in a row along `side`.
fn worst(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    if sum <= 0.0 || side <= 0.0 {
        return f64::INFINITY;
    }
    let thickness = sum / side;
    let ratio = |area: &f64| {
        let length = area / thickness;
        (thickness / length).max(length / thickness)
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Puts a row along the shorter side and returns what is left.
fn lay(row: &[f64], free: Rect, out: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum();
    let is_wide = free.width >= free.height;
    let side = if is_wide { free.height } else { free.width };
    let thickness = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for area in row {
        let length = if thickness > 0.0 { area / thickness } else { 0.0 };
        out.push(if is_wide {
            Rect { x: free.x, y: free.y + at, width: thickness, height: length }
        } else {
            Rect { x: free.x + at, y: free.y, width: length, height: thickness }
        });
        at += length;
    }
    if is_wide {
        Rect { x: free.x + thickness, width: (free.width - thickness).max(0.0), ..free }
    } else {
        Rect { y: free.y + thickness, height: (free.height - thickness).max(0.0), ..free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_the_weights_and_nothing_sticks_out() {
        let within = Rect { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };
        let many: Vec<f64> = (1..400_u32).rev().map(f64::from).collect();
        let cases =
            [vec![6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], many, vec![1.0], vec![3.0, 0.0], vec![0.0]];
        for weights in cases {
            let rects = squarify(&weights, within);
            let total: f64 = weights.iter().sum();
            assert_eq!(rects.len(), weights.len());
            for (rect, weight) in rects.iter().zip(&weights) {
                let wanted = if total > 0.0 { weight / total * within.area() } else { 0.0 };
                assert!((rect.area() - wanted).abs() < 1e-6, "{rect:?} {wanted}");
                assert!(rect.x >= 9.999_999 && rect.y >= 19.999_999, "{rect:?}");
                assert!(rect.x + rect.width <= 610.000_001, "{rect:?}");
                assert!(rect.y + rect.height <= 420.000_001, "{rect:?}");
            }
        }
    }

    /// The example of the paper: 6, 6, 4, 3, 2, 2, 1 in 6 × 4.
    #[test]
    fn the_example_of_the_paper() {
        let within = Rect { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        let rects = squarify(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], within);
        assert_eq!(rects[0], Rect { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
        assert_eq!(rects[1], Rect { x: 0.0, y: 2.0, width: 3.0, height: 2.0 });
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(rects[2].width, 12.0 / 7.0) && near(rects[2].height, 7.0 / 3.0), "{rects:?}");
    }
}
