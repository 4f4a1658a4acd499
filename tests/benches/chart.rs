//! What matters most as a picture that fits a screen.

use std::path::Path;

use plotters::{coord::Shift, prelude::*};

use crate::{
    batch::Sent,
    compare::Figures,
    prices::Prices,
    report::{Report, number},
};

const OURS: RGBColor = RGBColor(32, 96, 160);
const OTHERS: RGBColor = RGBColor(170, 170, 170);
const WIDTH: i32 = 860;
const NAMES: i32 = 190;
const FIGURES: i32 = 90;
const TITLE: i32 = 28;
const BAR: i32 = 21;
const GAP: i32 = 10;

struct Panel {
    title: String,
    bars: Vec<Bar>,
    is_logarithmic: bool,
}

struct Bar {
    name: String,
    value: f64,
    is_ours: bool,
}

impl Panel {
    fn height(&self) -> i32 {
        TITLE + BAR * i32::try_from(self.bars.len()).unwrap() + GAP
    }
}

/// Draws a panel per measure, a bar per contestant.
pub fn draw(path: &Path, report: &Report) {
    let logarithmic = |title: String, value: &dyn Fn(&Figures) -> Option<f64>| Panel {
        title: format!("{title}, on a logarithmic scale"),
        bars: report.contestants.iter().filter_map(|of_one| Some(bar(of_one, "", value(of_one)?))).collect(),
        is_logarithmic: true,
    };
    let at = format!("{:.0} % of a core", report.settings.share * 100.0);
    let panels = [
        logarithmic(format!("Cold: start, and first request at {at}, ms"), &Figures::cold),
        logarithmic("Warm: request without the database's time, ms".to_owned(), &|of_one| {
            Some(of_one.warm.median)
        }),
        prices(report),
    ];
    let height: i32 = panels.iter().map(Panel::height).sum();
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut top = 0;
    for panel in &panels {
        panel.draw(&area, top);
        top += panel.height();
    }
    area.present().unwrap();
}

fn bar(of_one: &Figures, how: &str, value: f64) -> Bar {
    let is_ours = of_one.name == "this service";
    Bar { name: format!("{}{how}", of_one.name), value, is_ours }
}

/// A million changes, by all who could be chosen.
fn prices(report: &Report) -> Panel {
    let prices = Prices::documented();
    let together = report.way(Sent::Together, 100).filter(|way| way.billed.is_some());
    let ours = report.contestant("this service");
    let in_batches =
        together.zip(ours).map(|(way, ours)| bar(ours, ", in batches", 1e6 * prices.of(way.of_one())));
    let by_put =
        report.contestants.iter().filter(|of_one| !of_one.name.starts_with("minimal")).filter_map(|of_one| {
            let used = report.used(report.operation("set-category")?, Some(of_one))?;
            Some(bar(of_one, "", 1e6 * prices.of(used)))
        });
    Panel {
        title: "Price of a million changes, all in, USD".to_owned(),
        bars: in_batches.into_iter().chain(by_put).collect(),
        is_logarithmic: false,
    }
}

impl Panel {
    fn draw(&self, area: &DrawingArea<SVGBackend, Shift>, top: i32) {
        let scale = |value: f64| if self.is_logarithmic { value.max(0.001).log10() } else { value };
        let values = || self.bars.iter().map(|bar| scale(bar.value));
        let least = if self.is_logarithmic { values().fold(f64::INFINITY, f64::min).floor() } else { 0.0 };
        let most = values().fold(f64::NEG_INFINITY, f64::max);
        let room = f64::from(WIDTH - NAMES - FIGURES);
        let black = ("sans-serif", 13).into_text_style(area).color(&BLACK);
        area.draw_text(&self.title, &("sans-serif", 15).into_text_style(area).color(&BLACK), (8, top + 6))
            .unwrap();
        for (row, bar) in (0..).zip(&self.bars) {
            let top = top + TITLE + row * BAR;
            let length = (scale(bar.value) - least) / (most - least).max(0.1) * room;
            let colour = if bar.is_ours { OURS } else { OTHERS };
            let corners = [(NAMES, top), (NAMES + (length as i32).max(2), top + BAR - 6)];
            area.draw_text(&bar.name, &black, (8, top + 1)).unwrap();
            area.draw(&Rectangle::new(corners, colour.filled())).unwrap();
            area.draw_text(&number(bar.value), &black, (corners[1].0 + 6, top + 1)).unwrap();
        }
    }
}
