// Sorts words and survives an exception, which needs the unwinder of the C++ runtime.
#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

int main() {
    std::vector<std::string> words{"from", "hello", "C++"};
    std::sort(words.begin(), words.end(), [](auto& a, auto& b) { return a.size() > b.size(); });
    try {
        throw std::runtime_error(words[0]);
    } catch (const std::exception& caught) {
        std::cout << caught.what() << " from C++\n";
    }
}
