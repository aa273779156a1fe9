"""What the checks of an installation say, and what they advise."""

from workwire.kernel.wording import counted, register

register(
    "checks",
    explanations={
        "authorities_broken": "No https endpoint is trusted: {error}.",
        "authorities_ending": "The last of the certificate authorities in {path} ends on {day}.",
        "authorities_ending.advice": "Renew the file.",
        "authorities_missing": "This system has no file of certificate authorities, so no https endpoint is trusted.",
        "authorities_missing.advice": "Install ca-certificates or set WORKWIRE_WEBHOOK_CA_BUNDLE.",
        "authorities_there": counted(
            "count",
            "Endpoints are trusted by the {count} certificate authority in {path}.",
            "Endpoints are trusted by the {count} certificate authorities in {path}.",
        ),
        "certificates_ended": counted(
            "count",
            "The certificates of {count} subscription have ended, so nothing can be sent to it.",
            "The certificates of {count} subscriptions have ended, so nothing can be sent to them.",
        ),
        "certificates_ended.advice": "Their owners were told; they renew them in the subscription.",
        "check_too_slow": "This could not be looked at within {seconds:length_of_time}.",
        "check_too_slow.advice": "Check again when the database is less busy; PostgreSQL may want an ANALYZE.",
        "data_folder_closed": "The data folder {folder} cannot be written.",
        "data_folder_closed.advice": "Give it to the account that Workwire runs as.",
        "data_folder_impossible": "The data folder {folder}, where files are to lie, does not exist and cannot be made.",
        "data_folder_impossible.advice": "Make it, or name another one with WORKWIRE_DATA_DIR.",
        "data_folder_missing": "The data folder {folder} does not exist.",
        "data_folder_missing.advice": "`workwire up` makes it.",
        "data_folder_not_needed": "The data folder {folder} has not been needed yet.",
        "data_folder_there": "The data folder is {folder}.",
        "database_missing": "There is no database in {database}.",
        "database_missing.advice": "`workwire up` makes one.",
        "database_silent": "The database does not answer: {error}.",
        "database_silent.advice": "Start it, or mend WORKWIRE_DATABASE_URL.",
        "deliveries_late": "A delivery to an endpoint that is not failing has been due for {seconds:length_of_time}.",
        "deliveries_late.advice": (
            "The workers do not keep up, or have stopped: look at them, and add one where processors are busy."
        ),
        "events_aside": "Listeners have put events aside that they cannot handle: {names}.",
        "events_aside.advice": "The log of the workers says why; these events are tried again by themselves.",
        "failing_endpoints_late": "Only messages to failing endpoints have been due for long, up to {seconds:length_of_time}.",
        "failing_endpoints_late.advice": (
            "They are tried again until their owners mend the endpoints; nobody else waits for them."
        ),
        "files_open": "Other accounts of this machine can open {paths}.",
        "files_open.advice": "`chmod go= …` closes it, and so does a start.",
        "files_private": "Other accounts of this machine can open nothing of it.",
        "jobs_begun": "Jobs are begun when they are ready. Failing and tried again: {failing:,}.",
        "jobs_given_up": "Jobs were given up within a day: {kinds}.",
        "jobs_given_up.advice": "The list of failed jobs, also at `GET /api/v1/jobs?state=failed`, says why each was.",
        "jobs_late": "Jobs are ready and not begun in the lanes {lanes}, for up to {seconds:length_of_time}.",
        "jobs_late.advice": (
            "Is a worker of this release alive? Jobs of a lane take turns, so a long one does not hold up the others."
        ),
        "key_file_missing": "The key file {path} is missing; without it stored secrets cannot be read.",
        "key_file_missing.advice": "Bring it back, or set WORKWIRE_SECRET_KEYS; a first `workwire up` makes one.",
        "key_file_there": "The key file is there.",
        "keys_from_setting": "The secret keys come from WORKWIRE_SECRET_KEYS.",
        "listeners_keep_up": "Nothing waits long for a listener ({names}).",
        "listeners_late": "Listeners are behind with their events, by up to {seconds:length_of_time}: {names}.",
        "listeners_late.advice": "Is a worker alive? The log of the workers says what holds it up.",
        "migrations_applied": "The database is up to date.",
        "migrations_missing": counted(
            "count", "{count} migration is missing in the database.", "{count} migrations are missing in the database."
        ),
        "migrations_missing.advice": "Run `workwire migrate`.",
        "migrations_unknown": (
            "A newer release of Workwire has worked on this database (it has {name}, which this release lacks)."
        ),
        "migrations_unknown.advice": "Install that release, or restore a backup of this one.",
        "names_alike": counted(
            "count",
            "Another record has the same name as {count} record in a different spelling.",
            "Other records have the same names as {count} records in a different spelling.",
        ),
        "names_alike.advice": "Rename what people mix up; `workwire doctor` names the records.",
        "names_differ": "No two names differ only in their spelling.",
        "no_worker_alive": "No worker is alive, so nothing is sent.",
        "no_worker_alive.advice": "Run `workwire up` or `workwire worker`; the log of the last one says why it ended.",
        "no_worker_alive.since": (
            "No worker is alive, so nothing is sent. {name} has been silent for {seconds:length_of_time}."
        ),
        "nothing_late": "Nothing has been due for long.",
        "postgresql_answers": "PostgreSQL {version} answers; {oldest} or later is needed.",
        "postgresql_old.advice": "Bring the data to a server of a later version.",
        "secrets_closed": (
            "No key opens the stored secret of subscription {subscription}, so nothing can be signed for it."
        ),
        "secrets_closed.advice": (
            "Give every process the keys it was stored with (the first installation's secret.key) and restart it, or rotate "
            "the secret."
        ),
        "secrets_open": "The keys open the stored secrets.",
        "sending_is_free": "Messages are sent from here.",
        "sending_is_held": "Sending is held: no message goes out.",
        "sqlite_answers": "The embedded database answers, journal mode {mode}.",
        "sqlite_journal.advice": "Its journal mode must be wal: is it on a disk of this machine?",
        "standing_jobs_fail": "Standing jobs fail: {errors}",
        "standing_jobs_fail.advice": "Each is tried again by itself; the log of the workers has the whole error.",
        "subscriptions_unwell": (
            "Subscriptions: {paused:,} paused, {failing:,} with a failing endpoint, {access_lost:,} whose owner lacks a "
            "right, {ending:,} with certificates that soon end."
        ),
        "subscriptions_unwell.advice": "Give the right back, or hand the subscription over to an account that has it.",
        "workers_alive": counted("count", "{count} worker is alive.", "{count} workers are alive."),
        "workers_clock": "The clock of {names} differs from the database's.",
        "workers_clock.advice": "Set it by NTP: receivers refuse signatures that look old.",
        "workers_held": "Workers wait while sending is held; timers, mail and jobs stand still with it.",
        "workers_mute": "Workers that tell no figures: {names}.",
        "workers_mute.advice": "They may be of an older release: upgrade them with the others.",
    },
)
