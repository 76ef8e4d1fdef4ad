//! How a step grows with row groups, column blocks and members.

use crate::fit::{self, Line};
use crate::proving::{self, P, cache, cores};
use crate::report::{Bar, Report, load, workspace};
use anyhow::ensure;
use std::sync::Arc;
use zektra_agents::plot::{Plot, Series, Style};
use zektra_he::rehearsal::rows::classifier;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_prove::step::StepCircuit;

/// Column blocks of 32 columns. There are no two: 64 columns make one block of 64.
const BLOCKS: [u32; 3] = [1, 3, 4];

/// Rows of all steps of an iteration, before each is padded to a power of two.
fn rows(groups: u32, blocks: u32, members: u32) -> anyhow::Result<Vec<usize>> {
    let template = classifier(32 * blocks, groups, 2);
    ensure!(template.params.blocks() == blocks, "{blocks} blocks are laid out as {}", template.params.blocks());
    let table = template.compile()?;
    Ok((0..table.phases.len()).map(|p| StepCircuit::rows(&table, p, members)).collect())
}

/// Circuit rows against sizes, and time where the settings allow the circuit.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    report.note("  circuit rows of the steps of one iteration, before each is padded to a power of two");
    let mut cells = vec![];
    let (mut grid, mut tiles) = (vec![], vec![]);
    for groups in 1..=4u32 {
        for blocks in BLOCKS {
            let list = rows(groups, blocks, 3)?;
            let sum: usize = list.iter().sum();
            grid.push(([1.0, f64::from(groups), f64::from(blocks), f64::from(groups * blocks)], sum as f64));
            if blocks == 1 || groups == 1 {
                tiles.push((groups, blocks, sum as f64));
            }
            cells.push(vec![
                format!("{groups} × {blocks}"),
                format!("{list:?}"),
                sum.to_string(),
                format!("{:?}", list.iter().map(|r| r.next_power_of_two().ilog2()).collect::<Vec<_>>()),
            ]);
        }
    }
    report.table(&["row groups × blocks", "rows of each phase", "together", "padded to 2^"], &cells);
    let ([constant, by_group, by_block, by_both], r2) = fit::plane(&grid);
    report.note(format!(
        "  rows = {constant:.0} + {by_group:.0}·groups + {by_block:.0}·blocks + {by_both:.0}·groups·blocks, R² = {r2:.4}"
    ));
    report.figure("prove-growth.tile", by_both, "rows / (row group × column block)", None)?;
    report.figure("prove-growth.surface.R2", r2, "", Some(Bar::AtLeast(0.98)))?;

    let of_groups: Vec<_> = tiles.iter().filter(|t| t.1 == 1).map(|t| (f64::from(t.0), t.2)).collect();
    let of_blocks: Vec<_> = tiles.iter().filter(|t| t.0 == 1).map(|t| (f64::from(t.1), t.2)).collect();
    let mut of_members = vec![];
    for members in 2..=5 {
        of_members.push((f64::from(members), rows(1, 1, members)?.iter().sum::<usize>() as f64));
    }
    let lines = [("row groups", &of_groups), ("column blocks", &of_blocks), ("members", &of_members)];
    let mut series = vec![];
    for (name, points) in lines {
        let line = Line::through(points);
        report.table(
            &[name, "rows", "fit"],
            &points
                .iter()
                .map(|(x, y)| vec![format!("{x}"), format!("{y}"), format!("{:.0}", line.at(*x))])
                .collect::<Vec<_>>(),
        );
        report.figure(&format!("prove-growth.{name}.slope"), line.slope, &format!("rows / {name}"), None)?;
        report.figure(&format!("prove-growth.{name}.R2"), line.r2, "", Some(Bar::AtLeast(0.98)))?;
        series.push(Series { name: name.into(), points: points.clone(), style: Style::Line });
    }
    let plot = Plot {
        title: "Steps of an iteration: circuit rows".into(),
        x: "row groups, column blocks (3 members) or members (one tile)".into(),
        y: "rows before padding".into(),
        from_zero: true,
        series,
    };
    plot.write(&workspace().join("docs/plots/prove-rows.svg"))?;
    report.note("  plot: docs/plots/prove-rows.svg; each circuit is padded to a power of two: time moves in steps");

    // Time: the sizes that the settings allow.
    let sizes: &[(u32, u32, u32)] = if report.quick {
        &[(1, 1, 2), (1, 1, 3)]
    } else {
        &[(1, 1, 2), (1, 1, 3), (1, 1, 4), (1, 1, 5), (2, 1, 3), (1, 3, 3)]
    };
    let (mut cells, mut of_members, mut of_rows) = (vec![], vec![], vec![]);
    for &(groups, blocks, members) in sizes {
        let list = rows(groups, blocks, members)?;
        let cast = proving::cast(members, 32 * blocks, groups, 1)?;
        let cache = cache();
        let loaded = ShareCircuits::load(&cache, &cast.job.template, members)
            .and_then(|shares| NodeCircuits::load(&cache, Arc::new(shares), &mut |_| {}));
        let circuits = match loaded {
            Ok(circuits) => Arc::new(circuits),
            Err(e) => {
                report.note(format!("  {groups} × {blocks}, {members} members: {e}"));
                continue;
            }
        };
        let mut unit = P::default();
        let times = proving::steps(&cast, &circuits, &mut unit)?;
        let p = cores() * unit.cpu();
        let sum: f64 = times.iter().map(|t| t[0].cpu).sum();
        let links: f64 = times.iter().map(|t| t[1].cpu).sum();
        if (groups, blocks) == (1, 1) {
            of_members.push((f64::from(members), sum / p));
        }
        of_rows.push((list.iter().sum::<usize>() as f64 / 1e3, sum / p));
        cells.push(vec![
            format!("{groups} × {blocks}"),
            members.to_string(),
            format!("{list:?}"),
            times.iter().map(|t| format!("{:.2}", t[0].cpu / p)).collect::<Vec<_>>().join(" + "),
            format!("{:.2}", sum / p),
            format!("{:.2}", links / p),
            format!("{:.1}", load()),
        ]);
    }
    report.table(
        &["row groups × blocks", "members", "rows of each phase", "CPU P / cores a step", "steps", "links", "load"],
        &cells,
    );
    if report.quick {
        // Too few points for a plot.
        return Ok(());
    }
    of_rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (name, x, points) in
        [("members", "members (one tile)", of_members), ("step-rows", "thousand rows of an iteration's steps", of_rows)]
    {
        let plot = Plot {
            title: format!("Steps of an iteration: time against {}", x.split(" (").next().unwrap_or(x)),
            x: x.into(),
            y: "P of processor time over 2 cores".into(),
            from_zero: true,
            series: vec![Series { name: "all steps of an iteration".into(), points, style: Style::Line }],
        };
        plot.write(&workspace().join(format!("docs/plots/prove-{name}.svg")))?;
        report.note(format!("  plot: docs/plots/prove-{name}.svg"));
    }
    Ok(())
}
