find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
