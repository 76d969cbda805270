/**
 * Orders to preserve (PRES-8): sealed as orders are. `taken`: since when it holds back, with `proof` that its entry stands in
 * the witnessed log; both null before. What was preserved stays recorded here after it ended.
 */
export const preservations = `
create table preservations (
  commitment bytea primary key, charter bytea not null, sealed bytea not null, taken bigint, proof text);
`;
