#pragma once

namespace metalaudio {

/// Where a processor runs. automatic: its constructor decides, and its device() says what.
enum class DeviceType { automatic, cpu, cuda };

}  // namespace metalaudio
