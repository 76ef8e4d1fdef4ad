use crate::rows::{classifier, rows};
use zektra_he::profile::Profile;
use zektra_he::rehearsal::Cast;

#[test]
fn two_owners_and_a_developer_train_a_classifier() {
    let template = classifier(31, 2, 12);
    let tables = [rows(1, 128, &template.params), rows(2, 100, &template.params)];
    let cast = Cast::new(5, 3, &tables, template).unwrap();
    let profile = Profile::of(&cast.job).unwrap();
    eprintln!("{:?}", profile);
    let encrypted = cast.train().unwrap();
    let (exact, largest) = cast.plain::<i64>(12).unwrap();
    let (float, _) = cast.plain::<f64>(12).unwrap();
    let difference = encrypted[0].iter().zip(&exact[0]).map(|(a, b)| (a - b).abs()).max().unwrap();
    eprintln!("{difference} {:?} {:?}", largest.iter().map(|v| v.log2()).collect::<Vec<_>>(), &encrypted[0][..4]);
    eprintln!("{:?} {:?}", &exact[0][..4], &float[0][..4]);
    assert!(difference < 1 << 8);
}
