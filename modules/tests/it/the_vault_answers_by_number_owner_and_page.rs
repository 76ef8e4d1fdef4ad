use crate::vault_world::{NATIVE, OTHER, OWNER, World, key, terms};
use zektra_modules::query::{Code, QueryError};
use zektra_modules::vault::Vault;
use zektra_proto::cosmos::base::query::v1beta1::PageRequest;
use zektra_proto::vault::v1::{
    DatasetStatus as Status, MsgDropDraft, MsgWithdrawGrant, QueryDatasetByObjectRequest, QueryDatasetByObjectResponse,
    QueryDatasetRequest, QueryDatasetResponse, QueryDatasetsRequest, QueryDatasetsResponse, QueryGrantRequest,
    QueryGrantResponse, QueryGrantsRequest, QueryGrantsResponse, QueryParamsRequest, QueryParamsResponse,
    QuerySeatRequest, QuerySeatResponse, QuerySeatsByOwnerRequest, QuerySeatsByOwnerResponse, QuerySetRequest,
    QuerySetResponse, QuerySetsRequest, QuerySetsResponse,
};

fn ask<Q: prost::Message, R: prost::Message + Default>(
    world: &World,
    method: &str,
    request: &Q,
) -> Result<R, QueryError> {
    world.ground.ask(&Vault, method, request)
}

/// Datasets 1 to 5: of the owner, of another, active, active, a draft; 6 was dropped.
fn world() -> World {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    world.register(OTHER, 2).unwrap();
    world.register(OWNER, 3).unwrap();
    world.active(OWNER, 1, "a");
    world.active(OTHER, 2, "b");
    world.active(OWNER, 3, "c");
    world.create(OWNER, 1, "d").unwrap();
    world.create(OWNER, 1, "e").unwrap();
    world.create(OWNER, 1, "f").unwrap();
    let owner = world.text(OWNER);
    world.send(MsgDropDraft { owner, dataset: 6 }).unwrap();
    world
}

fn numbers(world: &World, owner: &str, status: Status, pagination: Option<PageRequest>) -> (Vec<u64>, Vec<u8>, u64) {
    let request = QueryDatasetsRequest { owner: owner.into(), status: status.into(), pagination };
    let answer: QueryDatasetsResponse = ask(world, "Datasets", &request).unwrap();
    let page = answer.pagination.unwrap();
    (answer.datasets.iter().map(|d| d.number).collect(), page.next_key.to_vec(), page.total)
}

#[test]
fn of_datasets() {
    let world = world();
    let (owner, all) = (world.text(OWNER), Status::Unspecified);
    assert_eq!(numbers(&world, "", all, None).0, [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&world, &owner, all, None), (vec![1, 3, 4, 5], vec![], 4));
    assert_eq!(numbers(&world, &owner, Status::Active, None), (vec![1, 3], vec![], 2));
    assert_eq!(numbers(&world, "", Status::Draft, None).0, [4, 5]);
    let mut key = vec![];
    for wanted in [&[1u64, 3][..], &[4, 5]] {
        let request = PageRequest { key: key.into(), limit: 2, ..PageRequest::default() };
        let (found, next, _) = numbers(&world, &owner, all, Some(request));
        assert_eq!(found, wanted);
        key = next;
    }
    assert_eq!(key, [0u8; 0]);
    let one: QueryDatasetResponse = ask(&world, "Dataset", &QueryDatasetRequest { dataset: 4 }).unwrap();
    assert_eq!((&one.dataset.as_ref().unwrap().name[..], &one.schema[..]), ("d", "version = 1\n"));
    let id = hex::encode(&world.creation(OWNER, 1, "d").id);
    let found: QueryDatasetByObjectResponse =
        ask(&world, "DatasetByObject", &QueryDatasetByObjectRequest { id }).unwrap();
    assert_eq!((found.dataset, found.schema), (one.dataset, one.schema));
}

#[test]
fn of_seats_grants_and_sets() {
    let mut world = world();
    let owner = world.text(OWNER);
    let request = QuerySeatRequest { key: key(1).to_string() };
    let seat: QuerySeatResponse = ask(&world, "Seat", &request).unwrap();
    let request = QuerySeatsByOwnerRequest { owner: owner.clone(), pagination: None };
    let seats: QuerySeatsByOwnerResponse = ask(&world, "SeatsByOwner", &request).unwrap();
    assert_eq!((seats.seats.len(), &seats.seats[0]), (2, seat.seat.as_ref().unwrap()));
    for dataset in [1, 3, 1] {
        world.grant(OWNER, dataset, terms()).unwrap();
    }
    world.send(MsgWithdrawGrant { owner, grant: 1 }).unwrap();
    let request = QueryGrantsRequest { dataset: 1, pagination: None };
    let grants: QueryGrantsResponse = ask(&world, "Grants", &request).unwrap();
    let found: Vec<_> = grants.grants.iter().map(|g| (g.number, g.withdrawn_height)).collect();
    assert_eq!(found, [(1, 10), (3, 0)]);
    let grant: QueryGrantResponse = ask(&world, "Grant", &QueryGrantRequest { grant: 3 }).unwrap();
    assert_eq!(grant.grant.as_ref(), grants.grants.last());
    let set = world.new_set(OTHER);
    world.join(OWNER, set, 1).unwrap();
    let one: QuerySetResponse = ask(&world, "Set", &QuerySetRequest { set }).unwrap();
    let sets: QuerySetsResponse = ask(&world, "Sets", &QuerySetsRequest::default()).unwrap();
    assert_eq!((&one.set.as_ref().unwrap().datasets[..], &sets.sets[0]), (&[1][..], one.set.as_ref().unwrap()));
    let params: QueryParamsResponse = ask(&world, "Params", &QueryParamsRequest {}).unwrap();
    let params = params.params.unwrap();
    assert_eq!((&params.denom[..], &params.min_bond[..]), (NATIVE, "10000000"));
}

#[test]
fn and_says_what_is_not_there() {
    let world = world();
    let refused = |done: Result<(), QueryError>, code: Code, message: &str| {
        assert_eq!(done.unwrap_err(), code.error(message));
    };
    let one = |dataset| ask::<_, QueryDatasetResponse>(&world, "Dataset", &QueryDatasetRequest { dataset }).map(drop);
    refused(one(6), Code::NotFound, "dataset 6 not found");
    refused(one(0), Code::NotFound, "dataset 0 not found");
    let object = |id: String| {
        ask::<_, QueryDatasetByObjectResponse>(&world, "DatasetByObject", &QueryDatasetByObjectRequest { id }).map(drop)
    };
    let dropped = hex::encode(&world.creation(OWNER, 1, "f").id);
    refused(object(dropped.clone()), Code::NotFound, &format!("object {dropped} not found"));
    refused(object("zz".into()), Code::InvalidArgument, r#"id "zz": expected 64 hexadecimal digits"#);
    let seat = |key: String| ask::<_, QuerySeatResponse>(&world, "Seat", &QuerySeatRequest { key }).map(drop);
    refused(seat(key(9).to_string()), Code::NotFound, &format!("seat {} not found", key(9)));
    let beyond = "ff".repeat(32);
    refused(
        seat(beyond.clone()),
        Code::InvalidArgument,
        &format!("key {beyond:?}: expected 64 hexadecimal digits of elements below 2^64 − 2^32 + 1"),
    );
    let grant = ask::<_, QueryGrantResponse>(&world, "Grant", &QueryGrantRequest { grant: 1 }).map(drop);
    refused(grant, Code::NotFound, "grant 1 not found");
    let request = QueryGrantsRequest { dataset: 9, pagination: None };
    let grants = ask::<_, QueryGrantsResponse>(&world, "Grants", &request).map(drop);
    refused(grants, Code::NotFound, "dataset 9 not found");
    let set = ask::<_, QuerySetResponse>(&world, "Set", &QuerySetRequest { set: 1 }).map(drop);
    refused(set, Code::NotFound, "set 1 not found");
    let request = QueryDatasetsRequest { status: 6, ..QueryDatasetsRequest::default() };
    let datasets = ask::<_, QueryDatasetsResponse>(&world, "Datasets", &request).map(drop);
    refused(datasets, Code::InvalidArgument, "status 6: expected 0 to 5");
}
