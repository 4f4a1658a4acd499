//! The comparison as a picture.

use std::path::Path;

use plotters::prelude::*;

use crate::compare::Figures;

const OURS: RGBColor = RGBColor(32, 96, 160);
const OTHERS: RGBColor = RGBColor(170, 170, 170);
const WIDTH: u32 = 900;
const HEIGHT_OF_BAR: u32 = 26;

/// Draws a panel per measure, a bar per contestant, on a logarithmic scale.
pub fn draw(path: &Path, figures: &[Figures], share: f64) {
    let panels = [
        ("Init, ms".to_owned(), values(figures, |of_one| Some(of_one.init.median))),
        (
            format!("First request at {:.0} % of a core, ms over DynamoDB's time", share * 100.0),
            values(figures, |of_one| of_one.at_share.as_ref().map(|at_share| at_share.first.median)),
        ),
        ("Warm request, ms of CPU".to_owned(), values(figures, |of_one| Some(of_one.warm_cpu.median))),
        ("Peak memory, MB".to_owned(), values(figures, |of_one| Some(of_one.peak_memory))),
    ];
    let rows = u32::try_from(figures.len()).unwrap();
    let height = (rows * HEIGHT_OF_BAR + 40) * u32::try_from(panels.len()).unwrap();
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    for ((title, bars), area) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        panel(&area, title, bars);
    }
    area.present().unwrap();
}

fn values(figures: &[Figures], value: impl Fn(&Figures) -> Option<f64>) -> Vec<(&str, f64)> {
    figures.iter().filter_map(|of_one| Some((of_one.name.as_str(), value(of_one)?))).collect()
}

fn panel(area: &DrawingArea<SVGBackend, plotters::coord::Shift>, title: &str, bars: &[(&str, f64)]) {
    const NAMES: i32 = 190;
    const FIGURES: i32 = 90;

    let black = ("sans-serif", 14).into_text_style(area).color(&BLACK);
    area.draw_text(title, &("sans-serif", 15).into_text_style(area).color(&BLACK), (8, 8)).unwrap();
    let logarithm = |value: f64| value.max(0.001).log10();
    let least = bars.iter().map(|(_, value)| logarithm(*value)).fold(f64::INFINITY, f64::min).floor();
    let most = bars.iter().map(|(_, value)| logarithm(*value)).fold(f64::NEG_INFINITY, f64::max);
    let room = f64::from(i32::try_from(WIDTH).unwrap() - NAMES - FIGURES);
    for (row, (name, value)) in bars.iter().enumerate() {
        let top = 32 + i32::try_from(row).unwrap() * i32::try_from(HEIGHT_OF_BAR).unwrap();
        let length = (logarithm(*value) - least) / (most - least).max(0.1) * room;
        let colour = if row == 0 { OURS } else { OTHERS };
        area.draw_text(name, &black, (8, top + 2)).unwrap();
        let bar = [(NAMES, top), (NAMES + (length as i32).max(2), top + 18)];
        area.draw(&Rectangle::new(bar, colour.filled())).unwrap();
        area.draw_text(&crate::report::number(*value), &black, (bar[1].0 + 6, top + 2)).unwrap();
    }
}
