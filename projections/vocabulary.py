"""The words of profiles that the mapping understands: verbs, activity types, extensions.

Sources: ADL vocabulary, cmi5 (section 9.3), video profile 1.0.3, TLA verbs, Open edX and Moodle
fixtures. Only IRIs stand here; what they mean for learning is decided in `projections.mapping`.
"""

from domain.learning.facts import Verb

ADL = "http://adlnet.gov/expapi/verbs/"
ADL_ACTIVITY = "http://adlnet.gov/expapi/activities/"
VIDEO = "https://w3id.org/xapi/video/"
CMI5 = "https://w3id.org/xapi/cmi5/"

ATTEMPTED = f"{ADL}attempted"
PASSED = frozenset({f"{ADL}passed", f"{ADL}mastered"})
FAILED = frozenset({f"{ADL}failed"})

VERBS: dict[str, Verb] = {
    f"{ADL}registered": Verb.REGISTERED,
    "http://id.tincanapi.com/verb/enrolled": Verb.REGISTERED,
    "http://www.tincanapi.co.uk/verbs/enrolled_onto_learning_plan": Verb.REGISTERED,
    "http://id.tincanapi.com/verb/unregistered": Verb.WITHDREW,
    "http://id.tincanapi.com/verb/abandoned-course": Verb.WITHDREW,
    f"{ADL}answered": Verb.EVIDENCED,
    f"{ADL}scored": Verb.EVIDENCED,
    "https://w3id.org/xapi/tla/verbs/scored": Verb.EVIDENCED,
    "http://www.tincanapi.co.uk/verbs/evaluated": Verb.EVIDENCED,
    "https://w3id.org/xapi/acrossx/verbs/evaluated": Verb.EVIDENCED,
    **dict.fromkeys(PASSED | FAILED, Verb.EVIDENCED),
    f"{ADL}completed": Verb.COMPLETED,
    "http://activitystrea.ms/schema/1.0/complete": Verb.COMPLETED,
    "http://activitystrea.ms/complete": Verb.COMPLETED,
    f"{ADL}experienced": Verb.ENGAGED,
    f"{ADL}interacted": Verb.ENGAGED,
    f"{ADL}initialized": Verb.ENGAGED,
    f"{ADL}launched": Verb.ENGAGED,
    f"{ADL}terminated": Verb.ENGAGED,
    f"{ADL}progressed": Verb.ENGAGED,
    f"{VIDEO}verbs/played": Verb.ENGAGED,
    f"{VIDEO}verbs/paused": Verb.ENGAGED,
    f"{VIDEO}verbs/seeked": Verb.ENGAGED,
    "http://id.tincanapi.com/verb/viewed": Verb.ENGAGED,
    "http://id.tincanapi.com/verb/downloaded": Verb.ENGAGED,
}

COURSE_TYPES = frozenset(
    {
        f"{ADL_ACTIVITY}course",
        f"{CMI5}activitytype/course",
        "http://vocab.xapi.fr/activities/course",
    }
)
COMPETENCY_TYPES = frozenset(
    {
        "https://w3id.org/xapi/tla/activity-types/competency",
        "http://vocab.xapi.fr/activities/competency",
        f"{ADL_ACTIVITY}objective",
    }
)
QUESTION_TYPES = frozenset({f"{ADL_ACTIVITY}cmi.interaction", f"{ADL_ACTIVITY}question"})

PROGRESS_PERCENT = f"{CMI5}result/extensions/progress"
"""0 to 100 (cmi5 9.5.5.1)."""
PROGRESS_SHARE = f"{VIDEO}extensions/progress"
"""0 to 1 (video profile)."""
MASTERY_SCORE = f"{CMI5}context/extensions/masteryscore"
LENGTH = f"{VIDEO}extensions/length"
SEGMENTS = f"{VIDEO}extensions/played-segments"
