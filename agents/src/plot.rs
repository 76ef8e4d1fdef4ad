//! Line plots as small SVG files.

use anyhow::Context as _;
use std::fmt::Write as _;
use std::path::Path;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 54.0;
const COLOURS: [&str; 6] = ["#1f5fa8", "#d1495b", "#2e8b57", "#8a5fbf", "#c77d0a", "#5b6770"];

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Points joined by lines.
    Line,
    /// Points alone.
    Points,
    /// A thin line without points: a fit or a bar.
    Guide,
}

/// A named list of points.
#[derive(Clone, Debug)]
pub struct Series {
    /// For the legend.
    pub name: String,
    /// `(x, y)`.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub style: Style,
}

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Above the axes.
    pub title: String,
    /// Under the x axis, with its unit.
    pub x: String,
    /// Beside the y axis, with its unit.
    pub y: String,
    /// Whether the y axis starts at zero.
    pub from_zero: bool,
    /// What is drawn, in the legend's order.
    pub series: Vec<Series>,
}

impl Plot {
    /// Writes the SVG file, making its folder.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        save(path, &self.svg())
    }

    fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|s| &s.points);
        let xs = ticks(all().map(|p| p.0), false, 8);
        let ys = ticks(all().map(|p| p.1), self.from_zero, 6);
        let (x0, x1) = ends(&xs);
        let (y0, y1) = ends(&ys);
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * (right - LEFT);
        let py = |y: f64| bottom - (y - y0) / (y1 - y0) * (bottom - TOP);
        let mut out = String::new();
        // Writing to a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        line(format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#333">"##
        ));
        line(format!(r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#fcfcfa"/>"##));
        line(format!(r#"<text x="{LEFT}" y="24" font-size="15" font-weight="600">{}</text>"#, escape(&self.title)));
        for &y in &ys {
            let at = py(y);
            line(format!(r##"<path d="M{LEFT} {at:.1}H{right}" stroke="#e3e3de"/>"##));
            line(format!(
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 8.0,
                at + 4.0,
                label(y, &ys)
            ));
        }
        for &x in &xs {
            let at = px(x);
            line(format!(r##"<path d="M{at:.1} {bottom}v5" stroke="#666"/>"##));
            line(format!(
                r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 19.0,
                label(x, &xs)
            ));
        }
        line(format!(r##"<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#666"/>"##));
        let (middle_x, middle_y) = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
        line(format!(
            r#"<text x="{middle_x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            HEIGHT - 14.0,
            escape(&self.x)
        ));
        line(format!(
            r#"<text transform="translate(18 {middle_y:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            escape(&self.y)
        ));
        for (i, s) in self.series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let path: Vec<String> = s.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", px(x), py(y))).collect();
            let dash = if s.style == Style::Guide {
                r#" stroke-dasharray="6 4" stroke-width="1.2""#
            } else {
                r#" stroke-width="2""#
            };
            if s.style != Style::Points {
                line(format!(r#"<polyline points="{}" fill="none" stroke="{colour}"{dash}/>"#, path.join(" ")));
            }
            if s.style != Style::Guide {
                for &(x, y) in &s.points {
                    line(format!(r#"<circle cx="{:.1}" cy="{:.1}" r="3.5" fill="{colour}"/>"#, px(x), py(y)));
                }
            }
        }
        self.legend(&mut line, px, py);
        line("</svg>".into());
        out
    }

    /// In the corner with the fewest points under it.
    fn legend(&self, line: &mut impl FnMut(String), px: impl Fn(f64) -> f64, py: impl Fn(f64) -> f64) {
        let longest = self.series.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
        let (width, height) = (longest as f64 * 6.6 + 46.0, self.series.len() as f64 * 18.0 + 10.0);
        let (right, bottom) = (WIDTH - RIGHT - width - 8.0, HEIGHT - BOTTOM - height - 8.0);
        let corners = [(LEFT + 10.0, TOP + 4.0), (right, bottom), (right, TOP + 4.0), (LEFT + 10.0, bottom)];
        let covered = |&(x, y): &(f64, f64)| {
            let inside = |&&(a, b): &&(f64, f64)| {
                (x - 8.0..x + width + 8.0).contains(&px(a)) && (y - 8.0..y + height + 8.0).contains(&py(b))
            };
            self.series.iter().flat_map(|s| &s.points).filter(inside).count()
        };
        let (x, y) = corners.into_iter().min_by_key(covered).unwrap_or((LEFT, TOP));
        line(format!(
            r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4" fill="#fff" fill-opacity="0.85" stroke="#ddd"/>"##
        ));
        for (i, s) in self.series.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let at = y + 18.0 * i as f64 + 16.0;
            let dash = if s.style == Style::Guide { r#" stroke-dasharray="6 4""# } else { "" };
            if s.style == Style::Points {
                line(format!(r#"<circle cx="{:.1}" cy="{at:.1}" r="3.5" fill="{colour}"/>"#, x + 20.0));
            } else {
                line(format!(r#"<path d="M{:.1} {at:.1}h24" stroke="{colour}" stroke-width="2"{dash}/>"#, x + 8.0));
            }
            line(format!(r#"<text x="{:.1}" y="{:.1}">{}</text>"#, x + 40.0, at + 4.0, escape(&s.name)));
        }
    }
}

/// Named lengths, one under the other.
#[derive(Clone, Debug)]
pub struct Bars {
    /// Above the bars.
    pub title: String,
    /// Under the axis, with its unit.
    pub x: String,
    /// Names and lengths, from the top.
    pub rows: Vec<(String, f64)>,
}

impl Bars {
    /// Writes the SVG file, making its folder.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        save(path, &self.svg())
    }

    fn svg(&self) -> String {
        const ROW: f64 = 34.0;
        let left = self.rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0) as f64 * 6.6 + 24.0;
        let bottom = TOP + ROW * self.rows.len() as f64;
        let height = bottom + BOTTOM;
        let xs = ticks(self.rows.iter().map(|r| r.1), true, 8);
        let (x0, x1) = ends(&xs);
        let right = WIDTH - 3.0 * RIGHT;
        let px = |x: f64| left + (x - x0) / (x1 - x0) * (right - left);
        let mut out = String::new();
        // Writing to a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        line(format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">"##
        ));
        line(format!(r##"<rect width="{WIDTH}" height="{height}" fill="#fcfcfa"/>"##));
        line(format!(r#"<text x="14" y="24" font-size="15" font-weight="600">{}</text>"#, escape(&self.title)));
        for &x in &xs {
            let at = px(x);
            line(format!(r##"<path d="M{at:.1} {TOP}V{bottom}" stroke="#e3e3de"/>"##));
            let y = bottom + 19.0;
            line(format!(r#"<text x="{at:.1}" y="{y:.1}" text-anchor="middle">{}</text>"#, label(x, &xs)));
        }
        for (i, (name, value)) in self.rows.iter().enumerate() {
            let (y, colour) = (TOP + ROW * i as f64, COLOURS[i % COLOURS.len()]);
            let middle = y + ROW / 2.0 + 4.0;
            line(format!(r#"<text x="{:.1}" y="{middle:.1}" text-anchor="end">{}</text>"#, left - 10.0, escape(name)));
            let width = px(*value) - left;
            line(format!(
                r#"<rect x="{left:.1}" y="{:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#,
                y + 6.0,
                ROW - 12.0
            ));
            line(format!(r#"<text x="{:.1}" y="{middle:.1}">{value:.2}</text>"#, px(*value) + 6.0));
        }
        let middle = (left + right) / 2.0;
        let y = height - 14.0;
        line(format!(r#"<text x="{middle:.1}" y="{y:.1}" text-anchor="middle">{}</text>"#, escape(&self.x)));
        line("</svg>".into());
        out
    }
}

fn save(path: &Path, svg: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn ends(ticks: &[f64]) -> (f64, f64) {
    match (ticks.first(), ticks.last()) {
        (Some(&a), Some(&b)) if b > a => (a, b),
        _ => (0.0, 1.0),
    }
}

/// Round numbers that span the values: steps of 1, 2 or 5 times a power of ten.
fn ticks(values: impl Iterator<Item = f64>, from_zero: bool, wanted: usize) -> Vec<f64> {
    let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if !low.is_finite() || !high.is_finite() {
        return vec![0.0, 1.0];
    }
    if from_zero {
        low = low.min(0.0);
    }
    if high - low < 1e-12 {
        high = low + 1.0;
    }
    let raw = (high - low) / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= raw * 0.999).unwrap_or(raw);
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    (first..=last).map(|k| k as f64 * step).collect()
}

/// As many digits as the step needs.
fn label(value: f64, ticks: &[f64]) -> String {
    let step = if ticks.len() > 1 { ticks[1] - ticks[0] } else { 1.0 };
    let digits = (-step.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}
