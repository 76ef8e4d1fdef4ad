use crate::simulation;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Runs and shows what happened how often.
fn simulate(operations: u64) -> simulation::Simulation {
    let seed = number("ZEKTRA_SIM_SEED", 1);
    let operations = number("ZEKTRA_SIM_OPERATIONS", operations);
    println!("ZEKTRA_SIM_SEED={seed} ZEKTRA_SIM_OPERATIONS={operations}");
    let simulation = simulation::run(seed, operations);
    for (what, [tried, done]) in &simulation.counts {
        println!("{what:<64} {done:>7} of {tried:>7}");
    }
    for (what, count) in &simulation.said {
        println!("{what:<64} {count:>7}");
    }
    simulation
}

#[test]
fn in_four_thousand_operations() {
    simulate(4_000).demand_all();
}

#[test]
#[ignore = "long: run by `make soak`"]
fn in_a_hundred_thousand_operations() {
    simulate(100_000).demand_all();
}
