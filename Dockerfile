# The program metalaudio in an image of its own, for a user who is not root.
#   docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" -t metalaudio .
#   docker run --rm -v "$PWD:/data" metalaudio separate song.mp3 -o stems
# Models that are downloaded stay with: -v metalaudio-models:/var/lib/metalaudio
FROM debian:bookworm-slim AS build
WORKDIR /source
COPY tools/setup.sh tools/
RUN tools/setup.sh --build
COPY . .
ARG COMMIT=
RUN cmake --preset release -DMETALAUDIO_BUILD_TESTS=OFF -DMETALAUDIO_BUILD_BENCHMARKS=OFF \
      -DMETALAUDIO_COMMIT="$COMMIT" && \
    cmake --build --preset release --target metalaudio_cli metalaudio_manual && \
    cpack --config build/release/CPackConfig.cmake -B dist -D CPACK_COMPONENTS_ALL=runtime

FROM debian:bookworm-slim
RUN --mount=type=bind,from=build,source=/source/dist,target=/mnt \
    apt-get update && \
    apt-get install -y --no-install-recommends /mnt/metalaudio_*.deb && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --create-home --home-dir /var/lib/metalaudio --uid 1000 metalaudio
USER metalaudio
WORKDIR /data
ENTRYPOINT ["metalaudio"]
CMD ["--help"]
