/**
 * When a requester was first given material of an order: with the order, which is there before any task that follows it.
 */
export const handedOut = `
alter table orders add column given bigint;
update orders o set given = h.given from hi1_objects h where h.logged = o.commitment and h.given is not null;
alter table hi1_objects drop column given;
`;
