# The Makefile part of scratchpack: an image FROM scratch for the program of this repository.
#
#   BINARY := ./hello
#   include scratchpack.mk
#
# `make image-help` lists the targets and variables. It needs GNU make 3.81 or newer and a POSIX shell.

# What stood in the Makefile before stays the default goal.
_image_goal := $(.DEFAULT_GOAL)

ifneq ($(words $(BINARY)),1)
$(error scratchpack.mk: BINARY must name one program, in a path without spaces; it is '$(BINARY)')
endif

# The tool: of PATH, of pipx's usual place, or a module of python3 (pip install --user, a virtual environment).
ifeq ($(strip $(SCRATCHPACK)),)
SCRATCHPACK := $(shell command -v scratchpack || \
    { test -x "$$HOME/.local/bin/scratchpack" && echo "$$HOME/.local/bin/scratchpack"; } || \
    { python3 -c 'import scratchpack' >/dev/null 2>&1 && echo python3 -m scratchpack; })
endif

# The image's name, and where things are written. Each can be set before the include, on make's command line, or in
# the environment.
IMAGE_NAME ?= $(notdir $(BINARY))
IMAGE_DIR ?= .
IMAGE ?=
IMAGE_ENGINE ?= auto
IMAGE_ARGS ?=

_image_tar := $(IMAGE_DIR)/$(IMAGE_NAME).tar
_image_stamp := $(IMAGE_DIR)/.$(IMAGE_NAME).image-options
_image_context := $(IMAGE_DIR)/$(IMAGE_NAME).dockerfile
ifneq ($(words $(_image_tar)),1)
$(error scratchpack.mk: IMAGE_DIR and IMAGE_NAME must not hold spaces; the image would be '$(_image_tar)')
endif

# Every option of `scratchpack pack` is a variable too: --user is SCRATCHPACK_USER, --stop-signal SCRATCHPACK_STOP_SIGNAL.
# They travel in the environment, so that no shell reads their values. What the targets say themselves does not.
_image_own := SCRATCHPACK_OUTPUT SCRATCHPACK_LOAD SCRATCHPACK_PUSH SCRATCHPACK_TAG
_image_options := $(filter-out $(_image_own),$(filter SCRATCHPACK_%,$(.VARIABLES)))
ifneq ($(_image_options),)
export $(_image_options)
# inspect takes what is about the program, verify of an image nothing of this: they refuse the other variables
_image_program := $(addprefix SCRATCHPACK_,ROOT AT CPU ASSUME_STATIC ENV WORKDIR USER ENTRYPOINT INCLUDE EXCLUDE NEED LOCALE TIMEZONE SERVICE CA_BUNDLE)
endif
unexport $(_image_own)

_image_tag = $(if $(IMAGE),--tag '$(subst ','\'',$(IMAGE))')
_image_pack = $(SCRATCHPACK) pack $(BINARY) $(_image_tag) $(IMAGE_ARGS)
_image_need = @command -v $(firstword $(SCRATCHPACK) scratchpack) >/dev/null 2>&1 || { \
    echo "scratchpack.mk: scratchpack is not installed: run 'pipx install scratchpack', or say where it is with SCRATCHPACK=/path/to/scratchpack" >&2; exit 127; }

.PHONY: image image-load image-push image-inspect image-verify dockerfile image-clean image-help help _image_look

image: $(_image_tar)

$(_image_tar): $(BINARY) $(_image_stamp) $(wildcard scratchpack.toml)
	$(_image_need)
	$(_image_pack) -o type=docker,dest=$@

# Its time changes only when an option did.
$(_image_stamp): _image_look
	@mkdir -p '$(IMAGE_DIR)'; { $(foreach _option,$(sort $(_image_options)),printf '%s=%s\n' $(_option) "$$$(_option)"; )\
	    printf '%s\n' '$(subst ','\'',$(SCRATCHPACK) $(IMAGE) $(IMAGE_ARGS))'; } > $@.new; \
	if cmp -s $@.new $@; then rm -f $@.new; else mv -f $@.new $@; fi

image-load: $(BINARY)
	$(_image_need)
	$(_image_pack) --load=$(IMAGE_ENGINE)

image-push: $(BINARY)
	$(if $(IMAGE),,$(error scratchpack.mk: image-push needs a name to push to: make image-push IMAGE=registry/name:tag))
	$(_image_need)
	$(_image_pack) --push

image-inspect: $(BINARY)
	$(_image_need)
	@env $(addprefix -u ,$(filter-out $(_image_program),$(_image_options))) $(SCRATCHPACK) inspect $(BINARY)

image-verify: $(_image_tar)
	$(_image_need)
	env $(addprefix -u ,$(_image_options)) $(SCRATCHPACK) verify $(_image_tar)

dockerfile: $(BINARY)
	$(_image_need)
	$(_image_pack) -o type=dockerfile,dest=$(_image_context),force=true

image-clean:
	rm -f $(_image_tar) $(_image_stamp) $(_image_stamp).new
	rm -rf $(_image_context)

help: image-help

image-help:
	@echo 'Targets of scratchpack.mk, for $(BINARY):'
	@echo '  image          $(_image_tar), packed again when the program or an option changed'
	@echo '  image-load     give the image to an engine: IMAGE_ENGINE=docker|podman|containerd'
	@echo '  image-push     push it: IMAGE=registry/name:tag'
	@echo '  image-inspect  what the program is and what it needs'
	@echo '  image-verify   check the packed image again, from its own files alone'
	@echo '  dockerfile     a Dockerfile and its context in $(_image_context)'
	@echo '  image-clean    remove what these targets wrote'
	@echo 'Variables: BINARY IMAGE IMAGE_NAME IMAGE_DIR IMAGE_ENGINE IMAGE_ARGS SCRATCHPACK, and SCRATCHPACK_<OPTION>'
	@echo '  for every option of scratchpack pack: SCRATCHPACK_USER=0 SCRATCHPACK_ENV="A=1 B=2" SCRATCHPACK_EXPOSE=8080'

.DEFAULT_GOAL := $(_image_goal)
