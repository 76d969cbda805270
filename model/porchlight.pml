/*
 * Gate, log, notice and quorum, small enough to read. README.md says what is modelled, what is not and how to run it.
 *
 * The adversary runs the log and the network, is the court and one of the agencies, and has CORRUPT keyholders and one of
 * the two witnesses; with PROVIDER it is the provider too. Honest parties answer what it asks, by the rules below.
 * -DWITHOUT_<RULE> takes one rule away: the property that needs it must then fail.
 */
#define KEYHOLDERS 3
#define THRESHOLD 2
#define ORDERS 2    /* order o lets requester o have label o; requester 1 is the adversary's */
#define LAST_DAY 4
#define LONGEST 2   /* the last day until which a court may keep an order secret */

#ifndef CORRUPT
#define CORRUPT 1   /* keyholders 0 .. CORRUPT-1 */
#endif
#ifndef PROVIDER
#define PROVIDER 1
#endif
#ifndef FORKS
#define FORKS 0     /* whether the log may show two views; then time stands still and nothing is combined, for size */
#endif

/* Rules; the names in comments are the specification's. */
#ifdef WITHOUT_DISTINCT
#define enough(messages, holders) (messages >= THRESHOLD)
#else
#define enough(messages, holders) (holders >= THRESHOLD)          /* REL: distinct keyholders are counted */
#endif
#ifdef WITHOUT_GENERATION
#define generation(k) 1
#else
#define generation(k) (k == 1 -> 0 : 1)                           /* REL: partials of one generation only */
#endif
#ifdef WITHOUT_OUTER
#define peeled(q, l) true
#else
#define peeled(q, l) (PROVIDER || unwrapped[l])                   /* ENV: the provider's outer layer */
#endif
#ifdef WITHOUT_REQUESTER
#define readable(q, o) true
#else
#define readable(q, o) (q == o)                                   /* REL: partials are encrypted to the warrant's T */
#endif
#ifdef WITHOUT_LOGGED
#define logged(v, o) true
#else
#define logged(v, o) view[v].order[o]                             /* GATE: the order stands in the log */
#endif
#ifdef WITHOUT_INTENT
#define intended(v, k, o) true
#else
#define intended(v, k, o) view[v].intent[(k) * ORDERS + o]        /* GATE: so does this keyholder's intent */
#endif
#ifdef WITHOUT_REVOCATION
#define standing(v, o) true
#else
#define standing(v, o) (!view[v].revoked[o])                      /* GATE: and no revocation, under one checkpoint */
#endif
#ifdef WITHOUT_SCOPE
#define scope(o, l) true
#else
#define scope(o, l) (o == l)                                      /* GATE: the label lies in the order's scope */
#endif
#ifdef WITHOUT_NOTICE
#define noticed(v, o) true
#else
#define noticed(v, o) (view[v].notice[o] == RIGHT)                /* GATE: its notice recomputes */
#endif
#ifdef WITHOUT_WITNESSES
#define witnesses(v) true
#else
#define witnesses(v) follows(WITNESS, v)                          /* TLOG: both witnesses; the other one signs anything */
#endif
#ifdef WITHOUT_KEYHOLDERS
#define cosigned(v) true
#else
#define cosigned(v) (follows(1, v) && follows(2, v))              /* TLOG: more than (n+t-1)/2 keyholders: here all */
#endif
#ifdef WITHOUT_CONSISTENCY
#define may_follow(c, v) true
#else
#define may_follow(c, v) (side[c] == 0 || side[c] == v + 1)       /* WIT: a cosigner never signs inconsistent trees */
#endif
#ifdef WITHOUT_LONGEST
#define not_too_long(o) true
#else
#define not_too_long(o) (date[o] < LONGEST)                       /* GATE: never beyond the longest secrecy */
#endif
#ifdef WITHOUT_IN_TIME
#define not_too_late(o) true
#else
#define not_too_late(o) (day < date[o])                           /* GATE: an extension is logged a day before the date */
#endif
#ifdef WITHOUT_RELEASE
#define due(o) false
#else
#ifdef WITHOUT_DATE
#define due(o) true
#else
#define due(o) (day > date[o])                                    /* NOT: on the date, by themselves */
#endif
#endif

#define NONE 0
#define RIGHT 1
#define JUNK 2

typedef View {
  bool order[ORDERS];
  byte notice[ORDERS];
  bool revoked[ORDERS];
  bool intent[KEYHOLDERS * ORDERS]
};
View view[2];
bool forked;

/* The view that a cosigner follows, plus one; 0 while it has seen nothing that stands in one view only. */
#define WITNESS 3
byte side[4];
#define follows(c, v) ((!forked && v == 0) || side[c] == v + 1)
/* What is in the log for somebody who holds to the honest witness. */
#define in_log(what) ((side[WITNESS] != 2 && view[0].what || side[WITNESS] == 2 && view[1].what) && (side[WITNESS] != 0 || view[1].what))

bool released[KEYHOLDERS * ORDERS * ORDERS]; /* by honest keyholder k, for order o, of label l */
#define release_of(k, o, l) released[((k) * ORDERS + o) * ORDERS + l]
bool too_late[KEYHOLDERS * ORDERS]; /* the intent was logged after a revocation */
byte acted[KEYHOLDERS]; /* the view that an honest keyholder followed at its last release, plus one */
bool unwrapped[ORDERS];
bool opened[ORDERS * ORDERS]; /* by requester q, of label l */
#define opened_by(q, l) opened[(q) * ORDERS + l]
byte day;
byte date[ORDERS] = 1;
bool told[ORDERS];
bool early;
bool partial[KEYHOLDERS * ORDERS]; /* released notice partials */

#define into(v) (!forked && v == 0 || forked)
/* While there is one log, both views are it. */
#define append(what, v, value) view[v].what = value; if :: !forked -> view[1].what = value :: else fi

/* What a keyholder does when a person there has approved: the gate, word for word. */
#define gate(k, o, l, v) (follows(k, v) && witnesses(v) && cosigned(v) && logged(v, o) && intended(v, k, o) \
  && standing(v, o) && scope(o, l) && noticed(v, o))

/* Partials for label l that requester q can read: from honest keyholders, and from those the adversary has. Keyholder 1's
   share of the generation before this one was stolen once: it is a share of an old polynomial. */
#define honest(k, q, l) ((k >= CORRUPT) && (release_of(k, 0, l) && readable(q, 0) || release_of(k, 1, l) && readable(q, 1)))
#define mine(k, q) (k < CORRUPT && q == 1)
#define has(k, q, l) (honest(k, q, l) || mine(k, q))
#define stolen(q) (q == 1 && generation(1) == generation(0) && CORRUPT < 2)
#define holders(q, l) (has(0, q, l) + (has(1, q, l) || stolen(q)) + has(2, q, l))
#define messages(q, l) (2 * has(0, q, l) + 2 * has(1, q, l) + 2 * has(2, q, l)) /* any message may be sent twice */

/* What it tried is no part of the state. */
#define forget o = 0; l = 0; k = 0; v = 0

active proctype Adversary() {
  byte o, l, k, v;
end:
  do
  :: atomic {
      select(o : 0 .. 1); select(v : 0 .. 1); (into(v)) ->
      if
      :: !view[v].order[o] -> append(order[o], v, true)
      :: view[v].notice[o] == NONE -> append(notice[o], v, RIGHT)
      :: !FORKS && view[v].notice[o] == NONE -> append(notice[o], v, JUNK)
      :: !FORKS && o == 0 && !view[v].revoked[o] -> append(revoked[o], v, true)
      :: !FORKS && not_too_long(o) && not_too_late(o) && date[o] < LAST_DAY -> date[o]++
      :: else
      fi;
      forget }
  :: atomic { FORKS && !forked -> forked = true }
  :: atomic {
      forked -> select(k : 1 .. 3); select(v : 0 .. 1);
      if
      :: may_follow(k, v) && side[k] != v + 1 -> side[k] = v + 1
      :: else
      fi;
      forget }
  :: atomic { /* an honest keyholder is asked; it first writes its intent into the view that it follows */
      select(k : CORRUPT .. 2); select(o : 0 .. 1); select(l : 0 .. 1); select(v : 0 .. 1); (into(v)) ->
      if
      :: follows(k, v) && logged(v, o) && !view[v].intent[k * ORDERS + o] ->
        too_late[k * ORDERS + o] = view[v].revoked[o];
        append(intent[k * ORDERS + o], v, true)
      :: gate(k, o, l, v) && !release_of(k, o, l) -> release_of(k, o, l) = true; acted[k] = side[k]
      :: else
      fi;
      forget }
  :: atomic { /* an honest provider peels for an order in the log, and only what lies in its scope */
      !PROVIDER -> select(o : 0 .. 1);
      if
      :: in_log(order[o]) && !unwrapped[o] -> unwrapped[o] = true
      :: else
      fi;
      forget }
  :: atomic {
      !FORKS -> select(k : 0 .. 1); select(l : 0 .. 1);
      if
      :: !opened_by(k, l) && enough(messages(k, l), holders(k, l)) && peeled(k, l) -> opened_by(k, l) = true
      :: else
      fi;
      forget }
  od
}

active proctype Clock() {
  do
  :: atomic { !FORKS && day < LAST_DAY -> day++ }
  :: FORKS || day == LAST_DAY -> break
  od
}

/* Honest keyholders release notices by themselves; anyone combines, and the notice that stands in the log is read. */
active [2] proctype Notices() {
  byte k = 1 + (_pid == 3);
  do
  :: atomic { due(0) && !partial[k * ORDERS] && in_log(order[0]) -> partial[k * ORDERS] = true }
  :: atomic { due(1) && !partial[k * ORDERS + 1] && in_log(order[1]) -> partial[k * ORDERS + 1] = true }
  :: atomic {
      partial[ORDERS] && partial[2 * ORDERS] && in_log(notice[0]) == RIGHT && !told[0] ->
      told[0] = true; early = early || day <= date[0] }
  :: atomic {
      partial[ORDERS + 1] && partial[2 * ORDERS + 1] && in_log(notice[1]) == RIGHT && !told[1] ->
      told[1] = true; early = early || day <= date[1] }
  od
}

#define any_honest(l) (release_of(1, 0, l) || release_of(1, 1, l) || release_of(2, 0, l) || release_of(2, 1, l))
#define someone_opened(l) (opened_by(0, l) || opened_by(1, l))
#define released_unseen(k, o, l) (release_of(k, o, l) && !(in_log(order[o]) && in_log(intent[k * ORDERS + o])))

/* Fewer than t keyholders open nothing, whoever is with them. */
ltl p1 { [] ((someone_opened(0) -> any_honest(0)) && (someone_opened(1) -> any_honest(1))) }
/* t keyholders without the provider open nothing for which there is no order in the log. */
ltl p1_provider { [] ((someone_opened(0) -> in_log(order[0])) && (someone_opened(1) -> in_log(order[1]))) }
/* A release is for its label, its order and its requester. */
ltl p2 { [] (!opened_by(0, 1) && !opened_by(1, 0)) }
/* Nothing leaves an honest keyholder before the order and its own intent are in the witnessed log. */
ltl p3 { [] !(released_unseen(1, 0, 0) || released_unseen(2, 0, 0) || released_unseen(1, 1, 1) || released_unseen(2, 1, 1)) }
/* One log for all: what one honest keyholder acts on, every other sees too, though both witnesses lie. */
ltl p3_one_log { [] !(acted[1] && acted[2] && acted[1] != acted[2]) }
/* What was revoked before is not released. */
ltl p3_revoked { [] !(release_of(1, 0, 0) && too_late[1 * ORDERS] || release_of(2, 0, 0) && too_late[2 * ORDERS]) }
/* Whoever was opened is told in the end. */
ltl p7 { [] ((opened_by(0, 0) -> <> told[0]) && (opened_by(1, 1) -> <> told[1])) }
/* And not before the date that the court ordered. */
ltl p7_secrecy { [] !early }
