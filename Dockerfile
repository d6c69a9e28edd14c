# vmend in a container: docker run --rm -v "$PWD:/src" IMAGE check
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make binutils pkg-config \
	libxml2-dev libjansson-dev libyaml-dev zlib1g-dev libzstd-dev libmd-dev libfdisk-dev
COPY . /vmend
RUN make -s -C /vmend -j"$(nproc)"
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends libxml2 libjansson4 libyaml-0-2 zlib1g \
	libzstd1 libmd0 libfdisk1 && rm -rf /var/lib/apt/lists/*
COPY --from=build /vmend/build/vmend /usr/local/bin/vmend
WORKDIR /src
ENTRYPOINT ["vmend"]
