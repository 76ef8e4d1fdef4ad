use super::played::played;
use zektra_he::rehearsal::rows::classifier;
use zektra_statement::template::Template;

/// The template of the small job: one of its row groups a step.
pub fn template(iterations: u32) -> Template {
    let mut template = classifier(31, 1, iterations);
    template.params.full_batch = false;
    template
}

#[test]
fn a_small_job_is_proven() {
    let p = played();
    p.circuits.wrap.verify(&p.last).unwrap();
    let shown = zektra_statement::chain::Elements::from_slice(p.last.public_inputs()).unwrap();
    assert_eq!(shown.state, p.bundle.states.digest());
    assert_eq!(shown.made, shown.used);
    assert_eq!(shown.iteration, 2);
}
