"""What of the program travels, with which files beside it, and what it opens later."""

from __future__ import annotations

from scratchpack.config.setting import BUILD, FILES_HERE, PACK, Setting

PROGRAM_ITSELF: tuple[Setting, ...] = (
    Setting(
        "root",
        "text",
        "Program",
        "Take libraries and data from this root filesystem instead of the host's, whatever its architecture.",
        metavar="DIR",
        takes=FILES_HERE,
        guard="reads another directory",
    ),
    Setting(
        "onto",
        "text",
        "Program",
        "Add to this image (an archive, a layout, docker:REF, podman:REF, containerd:REF, a registry's reference) only what it "
        "lacks; its layers stay as they are.",
        metavar="BASE",
        takes=("pack",),
        guard="reads another image",
    ),
    Setting("at", "text", "Program", "Where the program stands in the image.", metavar="PATH"),
    Setting(
        "cpu",
        "text",
        "Program",
        "Which processor variants (glibc-hwcaps) of libraries travel beside the baseline: all, or up to a level "
        "such as x86-64-v3, or baseline.",
        metavar="LEVEL",
    ),
    Setting(
        "assume-static",
        "flag",
        "Program",
        "Pack a compressed program (UPX), whose dependencies cannot be seen.",
        guard="silences a refusal",
    ),
    Setting(
        "strip",
        "flag",
        "Program",
        "Leave out the program's symbols, debug sections and section headers. Refused where it carries a payload.",
        takes=BUILD,
    ),
    Setting(
        "strip-libraries",
        "flag",
        "Program",
        "Leave them out of every other ELF file that travels.",
        takes=BUILD,
    ),
    Setting(
        "preserve-modes",
        "flag",
        "Program",
        "Keep the permission bits of the source.",
        takes=BUILD,
    ),
    Setting(
        "preserve-privileges",
        "flag",
        "Program",
        "Keep setuid and setgid bits and file capabilities, which are dropped otherwise.",
        takes=BUILD,
        guard="keeps setuid bits and capabilities",
    ),
)

FILES: tuple[Setting, ...] = (
    Setting(
        "include",
        "text",
        "Files",
        "Add a file, directory or glob, at the same path or at DST; ELF files bring their libraries; repeatable.",
        many=True,
        metavar="SRC[:DST]",
    ),
    Setting(
        "library-path",
        "text",
        "Files",
        "A directory of libraries that the build left elsewhere: what is loaded of them goes where the image's loader looks; "
        "repeatable.",
        many=True,
        metavar="DIR",
    ),
    Setting("exclude", "text", "Files", "Leave out what matches; repeatable.", many=True, metavar="GLOB"),
    Setting(
        "trace-from",
        "text",
        "Files",
        "Add what runs opened, as --trace-to of this machine's runs, or strace -f -y, wrote it; repeatable.",
        many=True,
        metavar="FILE",
        takes=PACK,
    ),
)

NEEDS: tuple[Setting, ...] = (
    Setting(
        "need",
        "text",
        "Needs",
        "Decide a runtime need yourself (inspect lists them): auto, always or never; repeatable.",
        many=True,
        metavar="NAME=auto|always|never",
    ),
    Setting("locale", "text", "Needs", "A locale the program will use; repeatable.", many=True, metavar="NAME"),
    Setting("timezone", "text", "Needs", "A time zone the program will use; repeatable.", many=True, metavar="NAME"),
    Setting("service", "text", "Needs", "A PAM service the program asks for; repeatable.", many=True, metavar="NAME"),
    Setting("ca-bundle", "text", "Needs", "CA certificates to use instead of the root's.", metavar="FILE"),
)
