use super::stage::{cast, classifier, timed};
use zektra_he::tile::{Sealer, tile_randomness};
use zektra_prove::tile::{Bounds, PlaneWitness, TileCircuit};
use zektra_statement::inputs;
use zektra_statement::record::Plane;

#[test]
fn a_tile_is_proven() {
    let cast = cast(3, &[128, 100], classifier(31, 2, 2));
    let bounds = Bounds::of(&cast.job.template.params).unwrap();
    let circuit = timed("build", || TileCircuit::build(bounds));
    println!("{:?}, spare {}", circuit.circuit, circuit.circuit.spare_rows());
    let d = &cast.job.datasets[0].dataset;
    let seat = &cast.seats[0];
    let sealer = Sealer { seat, chain_id: "rehearsal", dataset: d.id, attempt: 0 };
    let messages = &cast.groups[0][0].planes[0];
    let list: Vec<_> = Plane::ALL.into_iter().zip(messages).map(|(p, m)| (0, p, m)).collect();
    let noise = sealer.noise(&list);
    let a: Vec<_> = Plane::ALL.map(|p| tile_randomness("rehearsal", d.object("rehearsal"), p, 0, 0)).into();
    let b: Vec<_> = Plane::ALL.map(|p| cast.uploads[&(0, 0, p)].clone()).into();
    let statement = inputs::Tile {
        key: seat.commitment(),
        planes: a.iter().zip(&b).map(|(a, b)| (a.commitment(), b.commitment())).collect(),
    };
    let planes: Vec<_> = (0..2)
        .map(|k| PlaneWitness {
            a: a[k].coefficients(),
            b: b[k].coefficients(),
            message: messages[k].coefficients(),
            noise: noise[k].coefficients(),
        })
        .collect();
    let proof = timed("prove", || circuit.prove(&statement, &seat.digits(), &planes)).unwrap();
    let polys: Vec<_> = a.iter().zip(&b).map(|(a, b)| (a.coefficients(), b.coefficients())).collect();
    timed("verify", || circuit.verify(&statement, &polys, &proof)).unwrap();
}
