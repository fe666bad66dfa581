"""What each clause of an entry and each part of a version asks or brings, for whoever writes them. One sentence each."""

from collections.abc import Mapping

from sigill.policy.effects import Sentence

_S = Sentence

CLAUSES: Mapping[str, Sentence] = {
    "id": _S("Regelns eget namn i filen; samma namn i en senare version ersätter.", "The entry's name in the file; the same name in a later version replaces it."),
    "cites": _S("Vilka av regionens regler den genomför; visas i kvittenser.", "Which of the region's rules it carries out; shown in receipts."),
    "forms": _S("Vilka blanketter den gäller. Utelämnad: den ändrar en tidigare med samma id.", "Which forms it is about. Left out: it changes an earlier one of the same id."),
    "when": _S("När den gäller: initiativ, kanal, bråttom, jourtid, hela journalen eller vissa enheter, ålder. Utelämnad: alltid.", "When it applies: initiative, channel, urgent, on-call time, whole record or units, age. Left out: always."),
    "offered": _S("Om regionen har blanketten.", "Whether the region has the form."),
    "initiatives": _S("På vems initiativ: vården, invånaren, registret.", "On whose initiative: care, the resident, the register."),
    "channels": _S("Hur den får komma in: blankett, telefon, papper; alltid eller bara när det är bråttom.", "How it may come in: form, phone, paper; always or only when urgent."),
    "deciders": _S("Vilka roller som får besluta; `nobody`: ingen.", "Which roles may decide; `nobody`: none."),
    "decider_at": _S("Vid vilken enhet den beslutande ska tjänstgöra.", "At which unit the decider has to serve."),
    "deciders_bound_to": _S("Vid vilken enhet en öppning beslutas: den som införde, dess efterträdare, en klinik.", "At which unit an opening is decided: the one that imposed, its successor, a clinic."),
    "consulted": _S("Vem den beslutande ska ha rådgjort med.", "With whom the decider must have consulted."),
    "attestations": _S("Vad den beslutande ska intyga, allt av det.", "What the decider must attest, all of it."),
    "one_attestation_of": _S("Vad den beslutande ska intyga, minst ett av det.", "What the decider must attest, at least one of it."),
    "references": _S("Handlingar i journalen som blanketten ska ange.", "Documents in the record that the form must name."),
    "otherwise": _S("Vilket avvisningsskäl som anges när villkoret inte är uppfyllt.", "Which refusal is told when the clause is not met."),
    "any_of": _S("Två eller flera uppsättningar villkor, av vilka en ska vara uppfylld.", "Two or more sets of clauses, of which one must hold."),
    "units": _S("Om vårdenheter ska anges eller inte får anges.", "Whether care units must, or must not, be named."),
    "recorded_dates": _S("Om uppgifternas datum får anges.", "Whether information dates may be given."),
    "end_date": _S("Om slutdatum krävs, får anges eller aldrig får anges, och hur långt fram.", "Whether an end date is demanded, allowed or never given, and how far ahead."),
    "age": _S("Mellan vilka födelsedagar patienten ska vara.", "Between which birthdays the patient must be."),
    "motivation": _S("Att en motivering krävs.", "That a motivation is demanded."),
    "caller": _S("Att den som ringer ska vara identifierad.", "That whoever calls must be identified."),
    "court_order": _S("Vilket förordnande som krävs.", "Which court order is demanded."),
    "protected_identity": _S("Bara `refused`: golvet kan inte ändras.", "Only `refused`: the floor cannot be changed."),
    "reserve_number": _S("Bara `refused`: golvet kan inte ändras.", "Only `refused`: the floor cannot be changed."),
    "same_initiative": _S("Hävning bara på samma initiativ som åtgärden.", "Release only on the initiative of the measure."),
    "unanimity": _S("Alla enheter bakom åtgärden ska vara eniga.", "All units behind the measure must agree."),
    "initiating_unit_only": _S("Bara enheten som införde åtgärden häver.", "Only the unit that imposed the measure releases it."),
    "may_release": _S("Vilka slag av åtgärder en begäran kan gälla.", "Which kinds of measures a request may be about."),
    "services": _S("Vad den stänger eller öppnar: journal, e-tjänster.", "What it shuts or opens: record, e-services."),
    "ends_at_age": _S("Födelsedagen då åtgärden upphör av sig själv.", "The birthday at which the measure ends by itself."),
    "runs": _S("Hur många år åtgärden gäller som mest.", "For how many years the measure holds at most."),
    "widens_to_all_guardians": _S("En åtgärd mot en vårdnadshavare gäller alla.", "A measure against one guardian holds for all."),
    "also_imposes": _S("Andra åtgärder som följer med.", "Other measures that come with it."),
    "ends_running": _S("Slag av åtgärder som den avslutar.", "Kinds of measures that it ends."),
    "other_regions": _S("Om en hävning får gälla en annan regions åtgärd efter samråd.", "Whether a release may end another region's measure after talks."),
    "replaces": _S("En försegling tar platsen för dem som den täcker helt.", "A seal takes the place of those that it covers wholly."),
    "signed_form": _S("Inom hur många timmar blanketten ska följa på ett samtal; `never`: samtalet räcker.", "Within how many hours the form must follow a call; `never`: the call is enough."),
    "follow_up": _S("Inom hur många timmar ett uppföljande beslut ska komma.", "Within how many hours a follow-up decision must come."),
    "tells": _S("Vem som underrättas, om vad och hur.", "Who is told of what, and how."),
    "note": _S("Vad som antecknas i journalen, och vad som görs med papperen.", "What is noted in the record, and what is done with the papers."),
    "remark": _S("Vad kvittensen påpekar.", "What the receipt points out."),
    "long_after_months": _S("Efter hur många månader en åtgärd kallas lång.", "After how many months a measure is called long."),
    "derived": _S("Varför regeln är en tolkning och inte dokumentets ord; `about`: vilka av villkoren det gäller.", "Why the entry is a reading and not the document's words; `about`: which of the clauses that is."),
}  # fmt: skip
"""Of an entry, in the order in which they are declared."""

VERSION: Mapping[str, Sentence] = {
    "since": _S("Första dagen den gäller, efter i dag. Den gäller av sig själv från den dagen.", "Its first day, after today. It holds by itself from that day on."),
    "extends": _S("Dagen för den version som den bygger på; bara det som ändras skrivs.", "The day of the version that it builds on; only what changes is written."),
    "base": _S("`nationwide`: den nationella grunden, med det som är annorlunda här.", "`nationwide`: the national base, with what is otherwise here."),
    "drops": _S("Regler som tas bort, med skäl.", "Entries that are dropped, with a reason."),
    "documents": _S("De papper som versionen vilar på.", "The papers that the version rests on."),
    "ages": _S("Åldrar: vårdnadshavare till, eget konto från, egen journal från, myndig.", "Ages: guardians until, own account from, own record from, of age."),
    "reasons": _S("Vilka regler ett svar om åtkomst hänvisar till.", "Which rules an answer about access cites."),
    "people_only": _S("Regler som bara människor kan följa, och var de visas.", "Rules that only people can follow, and where they show."),
    "held_by_core": _S("Regler som programmet håller vad filen än säger.", "Rules that the program holds whatever the file says."),
    "lead": _S("Hur långt i förväg påminnelser kommer.", "How long ahead reminders come."),
    "age_notices": _S("Om besked sänds inför födelsedagarna.", "Whether notices are sent before birthdays."),
    "inform_default": _S("Vem som underrättas där beställningen inget säger.", "Who is told where the order says nothing."),
    "standard_reply": _S("Svaret till en vårdnadshavare som frågar och inte ska få veta.", "The reply to a guardian who asks and is not to know."),
    "letters": _S("Regionens egna brev.", "The region's own letters."),
    "unknown_patient_hours": _S("Så många timmar väntar en beställning på en okänd patient.", "For so many hours an order waits for an unknown patient."),
    "daytime": _S("De timmar som inte är jourtid, och helgdagarna.", "The hours that are not on-call time, and the holidays."),
    "entries": _S("Reglerna. Villkoren står nedan.", "The entries. Their clauses stand below."),
    "standing": _S("Vad registrets ord för med sig utan beställning.", "What the register's word brings without an order."),
    "shown": _S("Vad som inte visas för någon.", "What is shown to nobody."),
    "choices": _S("Vilken åtgärd en risk leder till.", "Which measure a risk calls for."),
}  # fmt: skip
"""Of a version."""
