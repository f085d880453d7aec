// Package fair shares out what is bounded, so that nobody can take it from the others. That
// is places in the queue, memory for forms, goals that wait for consent, browser IDs, and
// what is remembered of pages ([Slots]).
//
// # The rules
//
//  1. A visitor has at most a fortieth of a room. Visitors are told apart by what
//     they are known by and by the network they come from. So nobody can use up the
//     share of somebody else whose browser ID they know.
//  2. While a room is at most half full, that is all. A university behind one address
//     is no attacker.
//  3. Above half, a network has at most a quarter. As the room fills further, the
//     bounds sink, and whoever has most is refused first. At 80 % nobody gets anything
//     more who has more than a little already, so that whoever has nothing yet finds a
//     place. For what is worth least it is 70 %, and for what is worth most 90 %.
//
// An example, with a room of 10,000 events: up to 7,500 a visitor may have 250 and a
// network 2,500, at 7,900 it is 20 and 500. If a thousand visitors take what they can
// get, they have 8 each when the room is 80 % full. And three events of a visitor, or
// ten of a network, are a little.
//
// A network is one address, and of IPv6 the first 64 bits, which one customer of a
// provider usually has (https://www.rfc-editor.org/rfc/rfc6177). Only its hash is kept,
// under a key that the process makes for itself, and no longer than [Forgotten] after
// the last request. An address that does not tell people apart is no network.
//
// Every decision costs a few looks into maps. Their size is bounded: beyond that, what
// is known of whoever has least is forgotten.
package fair
